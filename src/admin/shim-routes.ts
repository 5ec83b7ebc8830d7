import type { Author } from "../control/history.js";
import type { ChangeOptions, ManagedService, Management } from "../control/management.js";
import { DEFAULT_SERVICE } from "../control/service-name.js";
import type { ServiceState } from "../control/service-state.js";
import { ProxyError, type ProxyErrorCode } from "../errors.js";
import type { Logger } from "../logger.js";
import { authorize, hideOthers, type Access } from "./access/access.js";
import { audited } from "./access/audit.js";
import type { Principal, Verb } from "./access/principal.js";
import { actorOf } from "./caller.js";
import type { ManagementRefusals } from "./management-refusals.js";
import { createMetrics } from "./metrics.js";
import { awaitDrains, drainParameter } from "./drain-parameter.js";
import type { HttpAnswer } from "./http-answer.js";
import { serviceAttributes } from "./service-attributes.js";
import type { CallSpan } from "./tracer.js";

export type Route = (parameters: URLSearchParams, request: RouteRequest) => Promise<HttpAnswer>;

export interface RouteRequest {
  /** Aborted when the client has gone. */
  readonly left: AbortSignal;
  readonly authorization: string | undefined;
  /** The address of the client. */
  readonly from: string;
  readonly span: Pick<CallSpan, "note">;
}

/** What a route is carried out with. */
interface Task {
  readonly parameters: URLSearchParams;
  readonly left: AbortSignal;
  readonly author: Author;
}
type Answering = (principal: Principal, ...request: Parameters<Route>) => Promise<HttpAnswer>;
type Handler = (service: ManagedService, task: Task) => Promise<HttpAnswer>;

const STATUS: Partial<Record<ProxyErrorCode, number>> = {
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  SERVICE_NOT_FOUND: 404,
  STORE_FAILED: 500,
  SHUTTING_DOWN: 503,
  STORE_UNAVAILABLE: 503,
};

/** The history's word for whoever uses this interface, which has no name for itself. */
const ACTOR = "http";

export interface ShimOptions {
  readonly management: Management;
  readonly access: Access;
  readonly refusals: ManagementRefusals;
  readonly logger: Logger;
}

/**
 * The requests of the original program, on the functions that gRPC calls. Its messages are kept to the letter: for
 * a missing parameter `add` says "error: " before it and `remove` does not.
 */
export function createShimRoutes({
  management,
  access,
  refusals,
  logger,
}: ShimOptions): ReadonlyMap<string, Route> {
  const metrics = createMetrics(management, refusals);
  const answering = (answer: Answering): Route => {
    return async (parameters, request) => {
      try {
        const { authorization } = request;
        return await answer(access.identify({ authorization, certificate: undefined }), parameters, request);
      } catch (error) {
        return explain(error, logger);
      }
    };
  };
  const route = (call: string, verb: Verb, handle: Handler): Route =>
    answering(async (principal, parameters, { left, from, span }) => {
      const service = (parameters.get("service") ?? "") || DEFAULT_SERVICE;
      const author = { actor: actorOf(principal.name, "", ACTOR), from: `http ${from}` };
      const act = async (): Promise<HttpAnswer> => {
        authorize(principal, verb, service);
        const asked = hideOthers(principal, service, () => management.service(service));
        return handle(asked, { parameters, left, author });
      };
      try {
        if (verb === "read") return await act();
        return await audited(
          { ...author, call, service },
          { management, logger },
          act,
          ({ reason }) => reason,
        );
      } finally {
        span.note(serviceAttributes(management, service, verb));
      }
    });
  const scrape = answering(async (principal) => {
    authorize(principal, "read", undefined);
    const text = await metrics.text(principal);
    return { status: 200, text: text.trimEnd(), headers: { "Content-Type": metrics.contentType } };
  });
  return new Map([
    [
      "/get",
      route("get", "read", (service) => Promise.resolve({ status: 200, text: listed(service.state()) })),
    ],
    ["/set", route("set", "deploy", setBackends)],
    ["/add", route("add", "deploy", addBackend)],
    ["/remove", route("remove", "deploy", removeBackend)],
    ["/metrics", scrape],
  ]);
}

async function setBackends(service: ManagedService, task: Task): Promise<HttpAnswer> {
  const { parameters } = task;
  const backends = (parameters.get("backends") ?? "").split(",").map((entry) => ({ address: entry.trim() }));
  const before = parameters.has("drain") ? inRotation(service.state()) : [];
  return drained(service, task, async (options) => {
    const { state } = await service.set(backends, options);
    const kept = new Set(inRotation(state).map(({ address }) => address));
    return { state, leaving: before.map(({ address }) => address).filter((address) => !kept.has(address)) };
  });
}

async function addBackend(service: ManagedService, { parameters, author }: Task): Promise<HttpAnswer> {
  const address = parameters.get("backend") ?? "";
  if (address === "") return refusal("INVALID_ARGUMENT", "error: missing 'backend' parameter");
  const { state } = await service.add([{ address }], author);
  return { status: 200, text: listed(state) };
}

async function removeBackend(service: ManagedService, task: Task): Promise<HttpAnswer> {
  const address = task.parameters.get("backend") ?? "";
  if (address === "") return refusal("INVALID_ARGUMENT", "missing 'backend' parameter");
  try {
    return await drained(service, task, async (options) => {
      const { state } = await service.remove([address], options);
      return { state, leaving: [address] };
    });
  } catch (error) {
    const unknown =
      error instanceof ProxyError && ["BACKEND_NOT_FOUND", "INVALID_ADDRESS"].includes(error.code);
    if (!unknown) throw error;
    return refusal(error.code, `backend '${address}' not found`);
  }
}

/** In the words of the original, with the code that log and traces have for it. */
function refusal(reason: ProxyErrorCode, text: string): HttpAnswer {
  return { status: 400, text, reason };
}

interface Left {
  readonly state: ServiceState;
  readonly leaving: readonly string[];
}

/** The list after a change; with `drain=`, once what has left is empty or cut, and then a line about each. */
async function drained(
  service: ManagedService,
  { parameters, left, author }: Task,
  change: (options: ChangeOptions) => Promise<Left>,
): Promise<HttpAnswer> {
  const limitMs = drainParameter(parameters);
  if (limitMs === undefined) {
    const { state } = await change(author);
    return { status: 200, text: listed(state) };
  }
  const { state, leaving } = await change({ ...author, drain: { limitMs, spreadMs: 0 } });
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
    return { status: 500, text: "error: internal error; the proxy's log says more", reason: "INTERNAL" };
  }
  const invalid = error.code === "INVALID_ADDRESS";
  const text = invalid ? `'${error.details["address"] ?? ""}' is not valid network address` : error.message;
  const headers = error.code === "UNAUTHENTICATED" ? { headers: { "WWW-Authenticate": "Bearer" } } : {};
  return { status: STATUS[error.code] ?? 400, text: `error: ${text}`, reason: error.code, ...headers };
}
