import { connect } from "node:net";
import { closeOf } from "./waiting.js";

export interface RawAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A port of loopback, or the path of a Unix socket. */
export type RawAddress = number | string;

/** Sends bytes as they are (Node's own client would put in a Host of its own) and reads until the server closes. */
export async function exchange(to: RawAddress, bytes: string): Promise<string> {
  const socket = typeof to === "number" ? connect(to, "127.0.0.1") : connect(to);
  socket.setEncoding("latin1");
  let received = "";
  socket.on("data", (chunk: string) => (received += chunk));
  socket.on("error", () => undefined);
  socket.write(bytes, "latin1");
  await closeOf(socket);
  return received;
}

/** One request, its lines without line ends; `Connection: close` and `body` are added. */
export async function send(to: RawAddress, lines: readonly string[], body = ""): Promise<RawAnswer> {
  return parseAnswer(await exchange(to, [...lines, "Connection: close", "", body].join("\r\n")));
}

export function parseAnswer(text: string): RawAnswer {
  const end = text.indexOf("\r\n\r\n");
  const [first = "", ...fields] = text.slice(0, end).split("\r\n");
  const headers = fields.map((field) => {
    const colon = field.indexOf(":");
    return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()] as const;
  });
  return {
    status: Number(first.split(" ")[1]),
    headers: Object.fromEntries(headers),
    body: text.slice(end + 4),
  };
}
