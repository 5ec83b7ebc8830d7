import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { formatAddress } from "../address.js";
import type { Management } from "../control/management.js";
import { listenError } from "../listen-error.js";
import type { Logger } from "../logger.js";
import { createBrowserGuard, type BrowserGuard } from "./browser-guard.js";
import { createShimRoutes, type Answer, type Route } from "./shim-routes.js";

export interface HttpShimOptions {
  readonly management: Management;
  readonly address: HttpAddress;
  readonly logger: Logger;
}

export interface HttpAddress {
  readonly host: string;
  readonly port: number;
}

export interface HttpShim {
  readonly endpoint: HttpAddress;
  /** Lets requests end, and closes every connection after `graceMs` at the latest. */
  close(graceMs: number): Promise<void>;
}

/** Slow and greedy clients are cut soon; a curl needs none of this. */
const LIMITS = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 2_000,
  maxHeaderSize: 8 * 1024,
} as const;
const MAX_CONNECTIONS = 64;
const MAX_BODY_BYTES = 8 * 1024;

const BASE = "http://localhost";

const HEADERS = {
  "Cache-Control": "no-store",
  "Cross-Origin-Resource-Policy": "same-origin",
  "X-Content-Type-Options": "nosniff",
} as const;

/** The HTTP interface of the original program: no state, no rule of its own. @throws ProxyError LISTEN_FAILED */
export async function startHttpShim({ management, address, logger }: HttpShimOptions): Promise<HttpShim> {
  const routes = createShimRoutes(management, logger);
  let guard: BrowserGuard = () => "the server is starting";
  // A missing or second Host is the guard's to refuse, with the same answer as a foreign one.
  const server = createServer({ ...LIMITS, requireHostHeader: false }, (request, response) => {
    respond(request, guard, routes).then(
      (answer) => send(response, answer),
      () => response.destroy(),
    );
  });
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, address);
  const bound = server.address() as AddressInfo;
  guard = createBrowserGuard({ host: bound.address, port: bound.port });
  return {
    endpoint: { host: bound.address, port: bound.port },
    close(graceMs) {
      return new Promise((resolve) => {
        const force = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(force);
          resolve();
        });
        server.closeIdleConnections();
      });
    },
  };
}

interface FullAnswer extends Answer {
  readonly headers?: Readonly<Record<string, string>>;
}

async function respond(
  request: IncomingMessage,
  guard: BrowserGuard,
  routes: ReadonlyMap<string, Route>,
): Promise<FullAnswer> {
  const { url: target = "", headers } = request;
  const url = URL.canParse(target, BASE) ? new URL(target, BASE) : undefined;
  const path = url?.pathname ?? "";
  const refusal = guard({ target, hosts: hostHeaders(request), headers, readsOnly: path === "/get" });
  if (refusal !== undefined) return { status: 403, text: `error: refused: ${refusal}` };
  const route = routes.get(path);
  if (!url || !route)
    return { status: 404, text: `error: not found; there is ${[...routes.keys()].join(", ")}` };
  return refuseMethod(request, path) ?? answer(request, url, route);
}

function refuseMethod({ method = "", headers }: IncomingMessage, path: string): FullAnswer | undefined {
  const methods = path === "/get" ? ["GET", "HEAD", "POST"] : ["GET", "POST"];
  if (methods.includes(method) && headers.upgrade === undefined) return undefined;
  return {
    status: 405,
    text: `error: ${method} is not allowed here`,
    headers: { Allow: methods.join(", ") },
  };
}

async function answer(request: IncomingMessage, url: URL, route: Route): Promise<FullAnswer> {
  const form = await readForm(request);
  if (form === undefined)
    return { status: 413, text: `error: the form is larger than ${MAX_BODY_BYTES} bytes` };
  // As in the original, a parameter of the form goes before one of the query.
  return route(new URLSearchParams([...form, ...url.searchParams]));
}

/** Every Host header: `headers.host` holds only the first. */
function hostHeaders({ rawHeaders }: IncomingMessage): readonly string[] {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === "host");
}

/** The parameters in the body, none if it is no form; undefined if it is too large. */
async function readForm(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  const isForm = /^application\/x-www-form-urlencoded(;|$)/i.test(request.headers["content-type"] ?? "");
  return new URLSearchParams(isForm ? Buffer.concat(chunks).toString() : "");
}

function send(response: ServerResponse, { status, text, headers }: FullAnswer): void {
  const type = status === 200 ? "text/plain" : "text/plain; charset=utf-8";
  // What is left of a refused request is not read.
  if (status === 413) response.shouldKeepAlive = false;
  response.writeHead(status, { ...HEADERS, ...headers, "Content-Type": type });
  response.end(`${text}\n`);
}

function listen(server: Server, address: HttpAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(listenError(formatAddress(address), error));
    server.once("error", fail);
    server.listen({ ...address }, () => {
      server.off("error", fail);
      server.on("error", () => undefined);
      resolve();
    });
  });
}
