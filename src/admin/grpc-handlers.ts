import type { SeamlessServiceServer } from "@seamless/proto";
import type { ChangeResult, Management } from "../control/management.js";
import { ProxyError } from "../errors.js";
import { isVisible } from "./access/access.js";
import type { Calls } from "./calls.js";
import { fromProtoDrain } from "./drain-proto.js";
import { fromProtoBackends, fromProtoChange, toCount } from "./from-proto.js";
import { toProtoFleet } from "./fleet-proto.js";
import { fromProtoHealthCheck } from "./health-proto.js";
import { fromProtoSettings } from "./settings-proto.js";
import type { Method } from "./method-verbs.js";
import { createStreamHandlers } from "./stream-handlers.js";
import { toProtoHistory, toProtoProxyInfo, toProtoState } from "./to-proto.js";
import { visibleProxy } from "./visible-proxy.js";

type Lists = "set" | "add" | "remove" | "setWeights" | "undrain" | "rollback";
type Services = "listServices" | "createService" | "deleteService";
type Others = Exclude<Method, Lists | Services>;

/** The upgrade's own limit comes first. */
const MAX_UPGRADE_MS = 90_000;

/** The rpcs: translate, delegate, translate back. */
export function createGrpcHandlers(management: Management, calls: Calls): SeamlessServiceServer {
  return {
    ...createListHandlers(management, calls),
    ...createServiceHandlers(management, calls),
    ...createOtherHandlers(management, calls),
  };
}

function createListHandlers(management: Management, calls: Calls): Pick<SeamlessServiceServer, Lists> {
  const of = serviceOf(management);
  return {
    set: calls.unary("set", async (request, caller) => {
      const backends = fromProtoBackends(request.backends);
      return toChanged(await of(request).set(backends, fromProtoChange(request, caller)));
    }),
    add: calls.unary("add", async (request, caller) => {
      const backends = fromProtoBackends(request.backends);
      return toChanged(await of(request).add(backends, fromProtoChange(request, caller)));
    }),
    remove: calls.unary("remove", async (request, caller) =>
      toChanged(await of(request).remove(request.addresses, fromProtoChange(request, caller))),
    ),
    setWeights: calls.unary("setWeights", async (request, caller) => {
      const backends = fromProtoBackends(request.backends);
      return toChanged(await of(request).weigh(backends, fromProtoChange(request, caller)));
    }),
    undrain: calls.unary("undrain", async (request, caller) =>
      toChanged(await of(request).undrain(request.addresses, fromProtoChange(request, caller))),
    ),
    rollback: calls.unary("rollback", async (request, caller) => {
      const revision = request.revision === undefined ? undefined : toCount(request.revision);
      return toChanged(await of(request).rollback(revision, fromProtoChange(request, caller)));
    }),
  };
}

function createServiceHandlers(management: Management, calls: Calls): Pick<SeamlessServiceServer, Services> {
  return {
    listServices: calls.unary("listServices", (_, { principal }) => {
      const names = management.serviceNames().filter((name) => isVisible(principal, name));
      return { services: names.map((name) => toProtoState(management.service(name).state())) };
    }),
    createService: calls.unary("createService", async ({ settings, ...request }, { actor }) => {
      const backends = fromProtoBackends(request.backends);
      const wanted = { ...request, backends, settings: fromProtoSettings(settings), actor };
      const { state, joinedList } = await management.createService(wanted);
      return { state: toProtoState(state), joinedList };
    }),
    deleteService: calls.unary("deleteService", async ({ name, withList }, { actor }) => {
      if (name === "") throw new ProxyError("INVALID_ARGUMENT", "the name of the service is missing");
      const { list } = await management.deleteService({ name, withList, actor });
      return { list: list && { ...list, servedBy: [...list.servedBy] } };
    }),
  };
}

function createOtherHandlers(management: Management, calls: Calls): Pick<SeamlessServiceServer, Others> {
  const of = serviceOf(management);
  return {
    get: calls.unary("get", async (request, { principal }) => {
      const service = of(request);
      const state = toProtoState(request.linearizable ? await service.freshState() : service.state());
      return { state, proxy: toProtoProxyInfo(visibleProxy(management, principal)) };
    }),
    getFleet: calls.unary("getFleet", (_, { principal }) => ({
      fleet: toProtoFleet(management.fleet(), (service) => isVisible(principal, service)),
    })),
    getHistory: calls.unary("getHistory", (request) => ({
      entries: of(request).history().map(toProtoHistory),
    })),
    changeDrain: calls.unary("changeDrain", async (request) => {
      const limits = fromProtoDrain(request.options) ?? { spreadMs: 0 };
      return { state: toProtoState(await of(request).changeDrain(request.addresses, limits)) };
    }),
    pause: calls.unary("pause", async (request) => toChanged(await of(request).pause(request))),
    resume: calls.unary("resume", async (request) =>
      toChanged(await of(request).resume(request.pacePerSecond)),
    ),
    setHealthCheck: calls.unary("setHealthCheck", async (request) =>
      toChanged(await of(request).setHealthCheck(fromProtoHealthCheck(request.healthCheck))),
    ),
    upgrade: calls.unary("upgrade", (_, { actor }) => management.upgrade(actor), MAX_UPGRADE_MS),
    ...createStreamHandlers(management, calls),
  };
}

function serviceOf(management: Management) {
  return (request: { readonly service: string }): ReturnType<Management["service"]> =>
    management.service(request.service);
}

function toChanged({ state, changed }: ChangeResult): {
  state: ReturnType<typeof toProtoState>;
  changed: boolean;
} {
  return { state: toProtoState(state), changed };
}
