import { execFile } from "node:child_process";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { pino } from "pino";
import { createAccess } from "../access/access.js";
import { checkBackend } from "../../checks/check-backend.js";
import { ControlPlane, type ControlPlaneOptions } from "../../control/control-plane.js";
import type { Management } from "../../control/management.js";
import { DEFAULT_SETTINGS } from "../../control/service-settings.js";
import { ManagementRefusals } from "../management-refusals.js";
import { startHttpShim, type HttpShim, type HttpShimOptions } from "../http-server.js";
import { send, type RawAnswer } from "./raw-http.js";

const run = promisify(execFile);
const silent = pino({ enabled: false });

export const OPEN_ACCESS = createAccess(() => undefined);

export interface Shim {
  readonly shim: HttpShim;
  /** 0: it is on a Unix socket. */
  readonly port: number;
  readonly request: (method: string, target: string, ...headers: string[]) => Promise<RawAnswer>;
  readonly get: (target: string, ...headers: string[]) => Promise<RawAnswer>;
  readonly post: (target: string, body: string, ...headers: string[]) => Promise<RawAnswer>;
  readonly curl: (...args: string[]) => Promise<string>;
}

export async function startShim(
  t: TestContext,
  management: Management,
  options: Partial<HttpShimOptions> = {},
): Promise<Shim> {
  const shim = await startHttpShim({
    management,
    address: { host: "127.0.0.1", port: 0 },
    access: OPEN_ACCESS,
    refusals: new ManagementRefusals(),
    logger: silent,
    ...options,
  });
  t.after(() => shim.close(0));
  const { endpoint } = shim;
  const port = "port" in endpoint ? endpoint.port : 0;
  const to = "path" in endpoint ? endpoint.path : port;
  const host = port === 0 ? "Host: localhost" : `Host: localhost:${port}`;
  const request: Shim["request"] = (method, target, ...headers) =>
    send(to, [`${method} ${target} HTTP/1.1`, host, ...headers]);
  const form = "Content-Type: application/x-www-form-urlencoded";
  return {
    shim,
    port,
    request,
    get: (target, ...headers) => request("GET", target, ...headers),
    post: (target, body, ...headers) =>
      send(
        to,
        [`POST ${target} HTTP/1.1`, host, form, `Content-Length: ${Buffer.byteLength(body)}`, ...headers],
        body,
      ),
    async curl(...args) {
      const { stdout } = await run("curl", ["--silent", "--include", "--max-time", "5", ...args]);
      return stdout;
    },
  };
}

/** The real control plane with the backends 127.0.0.1:1 and 127.0.0.1:2. */
export async function startReal(
  t: TestContext,
  engine: ControlPlaneOptions["engine"],
  { logger = silent, ...options }: Partial<HttpShimOptions> = {},
): Promise<Shim> {
  const control = new ControlPlane({
    engine,
    version: "1",
    instanceId: "one",
    checker: checkBackend,
    save: () => Promise.resolve(),
    logger: silent,
    logRate: 10,
  });
  await control.openService({
    name: "default",
    listen: [{ host: "127.0.0.1", port: 0 }],
    configured: undefined,
    start: { backends: [{ address: "127.0.0.1:1" }, { address: "127.0.0.1:2" }] },
    settings: DEFAULT_SETTINGS,
  });
  t.after(() => control.close(0));
  return startShim(t, control, { logger, ...options });
}
