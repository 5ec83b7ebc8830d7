import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { sendLastAnswer, type HttpAnswer } from "./http-answer.js";
import type { ManagementRefusal, ManagementRefusals } from "./management-refusals.js";

const TUNNEL: HttpAnswer = { status: 403, text: "error: refused: no upgrades and no tunnels here" };
const BROKEN: Readonly<Record<string, HttpAnswer>> = {
  HPE_HEADER_OVERFLOW: { status: 431, text: "error: address and headers are too large" },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, text: "error: the request did not come in time" },
};

const CAUSES: Readonly<Record<number, ManagementRefusal<"http">>> = {
  401: "unauthenticated",
  403: "forbidden",
  408: "slow",
  413: "too-large",
  431: "too-large",
};

/** If the answer is a refusal. */
export function countRefusal({ status }: HttpAnswer, refusals: ManagementRefusals): void {
  const cause = CAUSES[status];
  if (cause) refusals.count("http", cause);
}

/** Answers what is no request that could be carried out, and counts it, as connections beyond the limit. */
export function refuseOthers(server: Server, refusals: ManagementRefusals): void {
  const refuse = (socket: Duplex, answer: HttpAnswer): void => {
    countRefusal(answer, refusals);
    sendLastAnswer(socket, answer);
  };
  for (const event of ["upgrade", "connect"])
    server.on(event, (_request: IncomingMessage, socket: Duplex) => {
      socket.on("error", () => undefined);
      refuse(socket, TUNNEL);
    });
  // What could not be read as a request, or did not come in time.
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const answer = BROKEN[error.code ?? ""];
    if (error.code === "ECONNRESET" || !socket.writable) socket.destroy();
    else if (answer) refuse(socket, answer);
    else {
      refusals.count("http", "malformed");
      sendLastAnswer(socket, { status: 400, text: "error: not an HTTP request" });
    }
  });
  server.on("drop", () => refusals.count("http", "connections"));
}
