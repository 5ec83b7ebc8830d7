import { request } from "node:http";
import { connect, type Socket } from "node:net";
import type { CheckSubject } from "../control/checker.js";
import { isExpectedStatus, type CheckKind } from "../control/health-check.js";
import { localHeader } from "../proxy-header.js";

type HttpCheck = Extract<CheckKind, { type: "http" }>;

/** Sends GET on a connection of its own and looks at the status; the body is not read. */
export function httpCheck(
  { id, endpoint, sendProxy }: CheckSubject,
  check: HttpCheck,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const { host, port } = endpoint;
    const headers = {
      host: check.host === "" ? id : check.host,
      connection: "close",
      "user-agent": "seamless-health-check",
    };
    const createConnection = (): Socket => {
      const socket = connect({ host, port, autoSelectFamily: false });
      if (sendProxy !== 0) socket.write(localHeader(sendProxy));
      return socket;
    };
    const asked = request({ path: check.path, headers, createConnection, signal }, (response) => {
      const { statusCode = 0 } = response;
      response.on("error", () => undefined).destroy();
      if (isExpectedStatus(check.expectedStatus, statusCode)) resolve();
      else reject(new Error(`HTTP status ${statusCode}, expected ${check.expectedStatus}`));
    });
    asked.on("error", reject);
    asked.end();
  });
}
