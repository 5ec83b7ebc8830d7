import type { Checker } from "../control/checker.js";
import { tcpCheck } from "./tcp-check.js";

/** Asks a backend in the way it is to be asked. HTTP and gRPC are loaded by the first who needs them: the start is not to wait. */
export const checkBackend: Checker = async (subject, kind, { signal }) => {
  switch (kind.type) {
    case "tcp":
      return tcpCheck(subject, signal);
    case "http":
      return (await import("./http-check.js")).httpCheck(subject, kind, signal);
    case "grpc":
      return (await import("./grpc-check.js")).grpcCheck(subject, kind, signal);
  }
};
