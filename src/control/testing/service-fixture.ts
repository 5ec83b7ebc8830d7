import type { TestContext } from "node:test";
import { pino } from "pino";
import { parseBackends, setBackends } from "../backend-list.js";
import { BackendResolution } from "../backend-resolution.js";
import type { Checker } from "../checker.js";
import { createDestinationPolicy } from "../destination-policy.js";
import { FleetDesk } from "../fleet-desk.js";
import type { Fleet } from "../fleet.js";
import { NameResolver } from "../name-resolver.js";
import { Service } from "../service.js";
import { newRecord, type ServiceRecord } from "../service-record.js";
import { DEFAULT_SETTINGS, type ServiceSettings } from "../service-settings.js";
import type { ServiceState } from "../service-state.js";
import { joinShared } from "../shared-service.js";
import { FakeEngine } from "./fake-engine.js";

export interface Started {
  readonly service: Service;
  readonly engine: FakeEngine;
  /** What host names stand for; a name that stands for nothing is never answered. */
  readonly names: Map<string, string[]>;
  /** Backends that are sick, with what their checks say. */
  readonly sick: Map<string, string>;
  /** The records that were stored. */
  readonly stored: ServiceRecord[];
  /** Thrown by the next saves. */
  readonly fault: { error: Error | undefined };
}

/** A service on a fake engine, with checks whose outcome the test decides. */
export async function startService(
  t: TestContext,
  start: readonly string[] | ServiceRecord,
  settings: Partial<ServiceSettings> = {},
  fleet?: Fleet,
): Promise<Started> {
  // The service's own timers don't keep a process alive; in the proxy its sockets do.
  const alive = setInterval(() => undefined, 1_000);
  t.after(() => clearInterval(alive));
  const engine = new FakeEngine();
  const sick = new Map<string, string>();
  const stored: ServiceRecord[] = [];
  const fault: Started["fault"] = { error: undefined };
  const names = new Map<string, string[]>([["web", ["10.0.0.1"]]]);
  let onChange: (name: string) => void = () => undefined;
  const resolver = new NameResolver({
    lookup: (name) => {
      const found = names.get(name);
      if (found?.length === 0) return new Promise(() => undefined);
      if (!found) return Promise.reject(Object.assign(new Error(), { code: "ENOTFOUND" }));
      return Promise.resolve(found.map((address) => ({ address, family: 4 })));
    },
    onChange: (name) => onChange(name),
    retryMs: 5,
  });
  const own = { host: "127.0.0.1", port: 8080 };
  const policy = createDestinationPolicy({ ownEndpoints: () => [own], localAddresses: () => [] });
  const checker: Checker = ({ id }) => {
    const error = sick.get(id);
    return error === undefined ? Promise.resolve() : Promise.reject(new Error(error));
  };
  const complete = { ...DEFAULT_SETTINGS, resolveWaitMs: 20, drainProgressMs: 5, ...settings };
  const begun = "revision" in start ? start : recordOf(start, complete);
  const joined = fleet && (await joinShared(fleet.copyOf(begun.name), begun));
  const service = await Service.open(engine, joined?.record ?? begun, {
    shared: fleet && joined && { fleet, version: joined.version },
    listen: [own],
    settings: complete,
    resolution: new BackendResolution(resolver, policy),
    checker,
    persist: (record) => {
      if (fault.error) return Promise.reject(fault.error);
      stored.push(record);
      return Promise.resolve();
    },
    logger: pino({ level: "silent" }),
    logRate: 10,
  });
  onChange = (name) => service.nameChanged(name);
  const desk = fleet && new FleetDesk(fleet, () => [service]);
  desk?.attach(service);
  t.after(async () => {
    await service.close(0);
    await desk?.close();
    resolver.close();
  });
  return { service, engine, names, sick, stored, fault };
}

function recordOf(backends: readonly string[], { healthCheck }: ServiceSettings): ServiceRecord {
  const list = setBackends([], parseBackends(backends.map((address) => ({ address }))));
  return newRecord(
    { name: "default", instanceId: "one", healthCheck, definition: undefined },
    list,
    Date.now(),
  );
}

/** Resolves with the first state that fits. */
export function when(service: Service, fits: (state: ServiceState) => boolean): Promise<ServiceState> {
  return new Promise((resolve) => {
    const watch = service.watch(undefined, (state) => {
      if (fits(state)) {
        queueMicrotask(() => watch.close());
        resolve(state);
      }
      return true;
    });
  });
}

/** Addresses with their status. */
export const show = ({ backends }: ServiceState): string[] =>
  backends.map(({ address, status }) => `${address} ${status}`);
