import { request } from "node:http";
import type { CheckSubject } from "../control/checker.js";
import { isExpectedStatus, type CheckKind } from "../control/health-check.js";

type HttpCheck = Extract<CheckKind, { type: "http" }>;

/** Sends GET on a connection of its own and looks at the status; the body is not read. */
export function httpCheck(
  { id, endpoint }: CheckSubject,
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
    const asked = request({ host, port, path: check.path, headers, agent: false, signal }, (response) => {
      const { statusCode = 0 } = response;
      response.on("error", () => undefined).destroy();
      if (isExpectedStatus(check.expectedStatus, statusCode)) resolve();
      else reject(new Error(`HTTP status ${statusCode}, expected ${check.expectedStatus}`));
    });
    asked.on("error", reject);
    asked.end();
  });
}
