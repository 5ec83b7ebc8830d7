import type { Checker } from "../control/checker.js";
import { httpCheck } from "./http-check.js";
import { tcpCheck } from "./tcp-check.js";

/** Asks a backend in the way it is to be asked. */
export const checkBackend: Checker = async (subject, kind, { signal }) => {
  switch (kind.type) {
    case "tcp":
      return tcpCheck(subject, signal);
    case "http":
      return httpCheck(subject, kind, signal);
    case "grpc":
      return (await loadGrpcCheck()).grpcCheck(subject, kind, signal);
  }
};

/** Its library takes long to load, and few need it. */
const loadGrpcCheck = () => import("./grpc-check.js");
