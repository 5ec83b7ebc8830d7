import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { ProxyErrorCode } from "../errors.js";

export interface HttpAnswer {
  readonly status: number;
  /** Without the newline at its end. */
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The stable code of the error that it tells of; the client gets its words only. */
  readonly reason?: ProxyErrorCode | "INTERNAL";
}

/** No page may read an answer, keep it, or take it for anything but text; and no CORS header ever says otherwise. */
const HEADERS = {
  "Cache-Control": "no-store",
  "Cross-Origin-Resource-Policy": "same-origin",
  "X-Content-Type-Options": "nosniff",
} as const;

const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  405: "Method Not Allowed",
  408: "Request Timeout",
  431: "Request Header Fields Too Large",
};

export function sendAnswer(response: ServerResponse, answer: HttpAnswer): void {
  const [headers, body] = toHeadersAndBody(answer);
  response.writeHead(answer.status, headers).end(body);
}

/** Answers where there is no request to answer to, and ends the connection. */
export function sendLastAnswer(socket: Duplex, answer: HttpAnswer): void {
  const [headers, body] = toHeadersAndBody({
    ...answer,
    headers: { ...answer.headers, Connection: "close" },
  });
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const head = [`HTTP/1.1 ${answer.status} ${REASONS[answer.status] ?? ""}`, ...lines].join("\r\n");
  socket.end(`${head}\r\n\r\n${body}`, () => socket.destroy());
}

function toHeadersAndBody({ status, text, headers }: HttpAnswer): [Record<string, string>, string] {
  const body = `${text}\n`;
  // The original's content types.
  const type = status === 200 ? "text/plain" : "text/plain; charset=utf-8";
  const length = String(Buffer.byteLength(body));
  return [{ ...HEADERS, "Content-Type": type, "Content-Length": length, ...headers }, body];
}
