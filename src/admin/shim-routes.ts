import type { ManagedService, Management } from "../control/management.js";
import type { ServiceState } from "../control/service-state.js";
import { ProxyError, type ProxyErrorCode } from "../errors.js";
import type { Logger } from "../logger.js";
import type { HttpAnswer } from "./http-answer.js";

export type Route = (parameters: URLSearchParams) => Promise<HttpAnswer>;

const STATUS: Partial<Record<ProxyErrorCode, number>> = { SERVICE_NOT_FOUND: 404, SHUTTING_DOWN: 503 };

/**
 * The requests of the original program, on the functions that gRPC calls. Its messages are kept to the letter: for
 * a missing parameter `add` says "error: " before it and `remove` does not.
 */
export function createShimRoutes(management: Management, logger: Logger): ReadonlyMap<string, Route> {
  const route = (
    handle: (service: ManagedService, parameters: URLSearchParams) => Promise<HttpAnswer>,
  ): Route => {
    return async (parameters) => {
      try {
        return await handle(management.service(parameters.get("service") ?? ""), parameters);
      } catch (error) {
        return explain(error, logger);
      }
    };
  };
  return new Map([
    ["/get", route((service) => Promise.resolve(listed(service.state())))],
    ["/set", route(setBackends)],
    ["/add", route(addBackend)],
    ["/remove", route(removeBackend)],
  ]);
}

async function setBackends(service: ManagedService, parameters: URLSearchParams): Promise<HttpAnswer> {
  const backends = (parameters.get("backends") ?? "").split(",").map((entry) => ({ address: entry.trim() }));
  const { state } = await service.set(backends);
  return listed(state);
}

async function addBackend(service: ManagedService, parameters: URLSearchParams): Promise<HttpAnswer> {
  const address = parameters.get("backend") ?? "";
  if (address === "") return { status: 400, text: "error: missing 'backend' parameter" };
  const { state } = await service.add([{ address }]);
  return listed(state);
}

async function removeBackend(service: ManagedService, parameters: URLSearchParams): Promise<HttpAnswer> {
  const address = parameters.get("backend") ?? "";
  if (address === "") return { status: 400, text: "missing 'backend' parameter" };
  try {
    const { state } = await service.remove([address]);
    return listed(state);
  } catch (error) {
    const unknown =
      error instanceof ProxyError && ["BACKEND_NOT_FOUND", "INVALID_ADDRESS"].includes(error.code);
    if (!unknown) throw error;
    return { status: 400, text: `backend '${address}' not found` };
  }
}

/** Each address once per unit of its weight, so that setting what was read gives the same traffic. */
function listed({ backends }: ServiceState): HttpAnswer {
  const inRotation = backends.filter(({ status }) => status !== "draining");
  const text = inRotation
    .flatMap(({ address, weight }) => Array.from({ length: weight }, () => address))
    .join();
  return { status: 200, text };
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
