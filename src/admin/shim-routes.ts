import type { ChangeOptions, ManagedService, Management } from "../control/management.js";
import type { ServiceState } from "../control/service-state.js";
import { ProxyError, type ProxyErrorCode } from "../errors.js";
import type { Logger } from "../logger.js";
import { awaitDrains, drainParameter } from "./drain-parameter.js";
import type { HttpAnswer } from "./http-answer.js";

/** `left` is aborted when the client has gone. */
export type Route = (parameters: URLSearchParams, left: AbortSignal) => Promise<HttpAnswer>;

const STATUS: Partial<Record<ProxyErrorCode, number>> = {
  SERVICE_NOT_FOUND: 404,
  STORE_FAILED: 500,
  SHUTTING_DOWN: 503,
};

/** The history's word for whoever uses this interface, which has no name for itself. */
const ACTOR = "http";

/**
 * The requests of the original program, on the functions that gRPC calls. Its messages are kept to the letter: for
 * a missing parameter `add` says "error: " before it and `remove` does not.
 */
export function createShimRoutes(management: Management, logger: Logger): ReadonlyMap<string, Route> {
  const route = (
    handle: (service: ManagedService, ...request: Parameters<Route>) => Promise<HttpAnswer>,
  ): Route => {
    return async (parameters, left) => {
      try {
        return await handle(management.service(parameters.get("service") ?? ""), parameters, left);
      } catch (error) {
        return explain(error, logger);
      }
    };
  };
  return new Map([
    ["/get", route((service) => Promise.resolve({ status: 200, text: listed(service.state()) }))],
    ["/set", route(setBackends)],
    ["/add", route(addBackend)],
    ["/remove", route(removeBackend)],
  ]);
}

async function setBackends(service: ManagedService, ...request: Parameters<Route>): Promise<HttpAnswer> {
  const [parameters] = request;
  const backends = (parameters.get("backends") ?? "").split(",").map((entry) => ({ address: entry.trim() }));
  const before = parameters.has("drain") ? inRotation(service.state()) : [];
  return drained(service, request, async (options) => {
    const { state } = await service.set(backends, options);
    const kept = new Set(inRotation(state).map(({ address }) => address));
    return { state, leaving: before.map(({ address }) => address).filter((address) => !kept.has(address)) };
  });
}

async function addBackend(service: ManagedService, parameters: URLSearchParams): Promise<HttpAnswer> {
  const address = parameters.get("backend") ?? "";
  if (address === "") return { status: 400, text: "error: missing 'backend' parameter" };
  const { state } = await service.add([{ address }], { actor: ACTOR });
  return { status: 200, text: listed(state) };
}

async function removeBackend(service: ManagedService, ...request: Parameters<Route>): Promise<HttpAnswer> {
  const address = request[0].get("backend") ?? "";
  if (address === "") return { status: 400, text: "missing 'backend' parameter" };
  try {
    return await drained(service, request, async (options) => {
      const { state } = await service.remove([address], options);
      return { state, leaving: [address] };
    });
  } catch (error) {
    const unknown =
      error instanceof ProxyError && ["BACKEND_NOT_FOUND", "INVALID_ADDRESS"].includes(error.code);
    if (!unknown) throw error;
    return { status: 400, text: `backend '${address}' not found` };
  }
}

interface Left {
  readonly state: ServiceState;
  readonly leaving: readonly string[];
}

/** The list after a change; with `drain=`, once what has left is empty or cut, and then a line about each. */
async function drained(
  service: ManagedService,
  [parameters, left]: Parameters<Route>,
  change: (options: ChangeOptions) => Promise<Left>,
): Promise<HttpAnswer> {
  const limitMs = drainParameter(parameters);
  if (limitMs === undefined) {
    const { state } = await change({ actor: ACTOR });
    return { status: 200, text: listed(state) };
  }
  const { state, leaving } = await change({ actor: ACTOR, drain: { limitMs, spreadMs: 0 } });
  const lines = await awaitDrains(service, leaving, left);
  return { status: 200, text: [listed(state), ...lines].join("\n") };
}

/** Each address once per unit of its weight, so that setting what was read gives the same traffic. */
function listed(state: ServiceState): string {
  return inRotation(state)
    .flatMap(({ address, weight }) => Array.from({ length: weight }, () => address))
    .join();
}

function inRotation({ backends }: ServiceState): ServiceState["backends"] {
  return backends.filter(({ status }) => status !== "draining");
}

function explain(error: unknown, logger: Logger): HttpAnswer {
  if (!(error instanceof ProxyError)) {
    logger.error({ event: "handler-failed", err: error }, "a bug in seamless: an HTTP request failed");
    return { status: 500, text: "error: internal error; the proxy's log says more" };
  }
  const invalid = error.code === "INVALID_ADDRESS";
  const text = invalid ? `'${error.details["address"] ?? ""}' is not valid network address` : error.message;
  return { status: STATUS[error.code] ?? 400, text: `error: ${text}` };
}
