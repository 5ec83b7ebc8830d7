import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { Management } from "../control/management.js";
import { isLoopback } from "../loopback.js";
import { ProxyError } from "../errors.js";
import { formatListenAddress } from "../listen-address.js";
import type { Logger } from "../logger.js";
import type { Access } from "./access/access.js";
import type { TlsContext } from "./access/tls-context.js";
import { createBrowserGuard, type BrowserGuard } from "./browser-guard.js";
import { sendAnswer, type HttpAnswer } from "./http-answer.js";
import type { ManagementRefusals } from "./management-refusals.js";
import { countRefusal, refuseOthers } from "./http-refusals.js";
import { openManagementSocket, type GivenSocket, type ManagementAddress } from "./management-socket.js";
import { readForm } from "./request-form.js";
import { splitTarget, type RequestTarget } from "./request-target.js";
import { beginHttpSpan, type HttpSpan } from "./http-span.js";
import { createShimRoutes, type Route } from "./shim-routes.js";
import { NO_TRACER, type Tracer } from "./tracer.js";

export interface HttpShimOptions {
  readonly management: Management;
  readonly address: ManagementAddress;
  readonly given?: GivenSocket | undefined;
  readonly access: Access;
  /** Not on loopback or a Unix socket: the scripts of the original know nothing of it. */
  readonly tls?: TlsContext | undefined;
  readonly refusals: ManagementRefusals;
  readonly logger: Logger;
  readonly tracer?: Tracer;
}

export interface HttpShim {
  readonly endpoint: ManagementAddress;
  readonly socket: GivenSocket;
  /** Stops accepting: another process goes on with the socket. Connections that are open stay. */
  handOver(): void;
  /** Lets requests end, and closes every connection after `graceMs` at the latest. */
  close(graceMs: number): Promise<void>;
}

/** Slow and greedy clients are cut soon; a curl needs none of this. The URL counts as part of the headers. */
const LIMITS = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 2_000,
  maxHeaderSize: 8 * 1024,
} as const;
// A missing or second Host is the guard's to refuse, with the same answer as a foreign one.
const OPTIONS = { ...LIMITS, requireHostHeader: false };
const READS: readonly string[] = ["/get", "/metrics"];

/** The HTTP interface of the original program: no state, no rule of its own. @throws ProxyError LISTEN_FAILED */
export async function startHttpShim({
  management,
  address,
  given,
  access,
  tls,
  refusals,
  logger,
  tracer = NO_TRACER,
}: HttpShimOptions): Promise<HttpShim> {
  const routes = createShimRoutes({ management, access, refusals, logger });
  const secure = "path" in address || isLoopback(address.host) ? undefined : tls;
  let guard: BrowserGuard = () => "the server is starting";
  const server = secure
    ? secure.follow(createSecureServer({ ...secure.options, ...OPTIONS }))
    : createServer(OPTIONS);
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const left = new AbortController();
    response.on("close", () => left.abort());
    const target = splitTarget(request.url ?? "");
    const route = routes.has(target.path) ? target.path : undefined;
    const span = beginHttpSpan(tracer, { request, route, scheme: secure ? "https" : "http" });
    respond(request, target, { guard, routes, left: left.signal, span }).then(
      (answer) => {
        countRefusal(answer, refusals);
        sendAnswer(response, answer);
        span.end(answer);
      },
      () => {
        response.destroy();
        span.end(undefined);
      },
    );
  });
  server.on("checkExpectation", (request, response) => void server.emit("request", request, response));
  refuseOthers(server, refusals);
  const opened = await openManagementSocket({ server, address, given });
  if (tls && !secure) requireNear(opened.endpoint, opened);
  guard = createBrowserGuard({ ...opened.endpoint, anyName: secure !== undefined });
  return {
    endpoint: opened.endpoint,
    get socket() {
      return opened.socket;
    },
    handOver: () => opened.handOver(),
    close(graceMs) {
      return new Promise((resolve) => {
        const force = setTimeout(() => server.closeAllConnections(), graceMs);
        opened.close();
        // Called also if it was closed before.
        server.close(() => {
          clearTimeout(force);
          resolve();
        });
        server.closeIdleConnections();
      });
    },
  };
}

/** A socket that was given may be bound to another address than was asked for. @throws ProxyError LISTEN_FAILED */
function requireNear(endpoint: ManagementAddress, opened: { close(): void }): void {
  if ("path" in endpoint || isLoopback(endpoint.host)) return;
  opened.close();
  throw new ProxyError(
    "LISTEN_FAILED",
    `the socket that was given for the curl interface is bound to ${formatListenAddress(endpoint)}, where it would not speak TLS: ` +
      "name that address by --http as well",
  );
}

interface Handling {
  readonly guard: BrowserGuard;
  readonly routes: ReadonlyMap<string, Route>;
  readonly left: AbortSignal;
  readonly span: HttpSpan;
}

async function respond(
  request: IncomingMessage,
  target: RequestTarget,
  { guard, routes, left, span }: Handling,
): Promise<HttpAnswer> {
  const { headers } = request;
  const { authority, path } = target;
  const refusal = guard({ authority, hosts: hostHeaders(request), headers, readsOnly: READS.includes(path) });
  if (refusal !== undefined) return { status: 403, text: `error: refused: ${refusal}` };
  const route = routes.get(path);
  if (!route) return { status: 404, text: `error: not found; there is ${[...routes.keys()].join(", ")}` };
  return (
    refuseMethod(request, path) ??
    answer(request, target, (parameters) =>
      route(parameters, {
        left,
        authorization: headers.authorization,
        from: request.socket.remoteAddress ?? "",
        span,
      }),
    )
  );
}

function refuseMethod({ method = "" }: IncomingMessage, path: string): HttpAnswer | undefined {
  const methods = READS.includes(path) ? ["GET", "HEAD", "POST"] : ["GET", "POST"];
  if (methods.includes(method)) return undefined;
  const headers = { Allow: methods.join(", ") };
  return { status: 405, text: `error: ${method} is not allowed here`, headers };
}

async function answer(
  request: IncomingMessage,
  { query }: RequestTarget,
  route: (parameters: URLSearchParams) => Promise<HttpAnswer>,
): Promise<HttpAnswer> {
  const form = await readForm(request);
  if (form === "too large")
    return { status: 413, text: "error: the form is too large", headers: { Connection: "close" } };
  // As in the original, a parameter of the form goes before one of the query.
  return route(new URLSearchParams([...form, ...new URLSearchParams(query)]));
}

/** Every Host header: `headers.host` holds only the first. */
function hostHeaders({ rawHeaders }: IncomingMessage): readonly string[] {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === "host");
}
