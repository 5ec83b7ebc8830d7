import type { Checker } from "../control/checker.js";
import { grpcCheck } from "./grpc-check.js";
import { httpCheck } from "./http-check.js";
import { tcpCheck } from "./tcp-check.js";

/** Asks a backend in the way it is to be asked. */
export const checkBackend: Checker = (subject, kind, { signal }) => {
  switch (kind.type) {
    case "tcp":
      return tcpCheck(subject.endpoint, signal);
    case "http":
      return httpCheck(subject, kind, signal);
    case "grpc":
      return grpcCheck(subject, kind, signal);
  }
};
