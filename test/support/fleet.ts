import type { TestContext } from "node:test";
import { run, type Outcome } from "./process.js";
import { ctl, startProxy, type ProxyOptions, type RunningProxy } from "./proxy.js";
import { until } from "./until.js";

interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface MemberOptions extends ProxyOptions {
  readonly name: string;
  readonly store: string;
}

/** The URL of a store that these serve. */
export function storeUrl(servers: readonly { readonly endpoint: Endpoint }[]): string {
  return `etcd://${servers.map(({ endpoint }) => `${endpoint.host}:${endpoint.port}`).join(",")}/fleet`;
}

/** A proxy that shares its list in a store. */
export function startMember(
  t: TestContext,
  { name, store, args = [], ...options }: MemberOptions,
): Promise<RunningProxy> {
  const own = ["--store", store, "--proxy-name", name, "--proxy-lease", "2s"];
  return startProxy(t, { ...options, args: [...own, ...args] });
}

/** Waits until each of them knows just these, by name. */
export async function untilFleetIs(
  proxies: readonly RunningProxy[],
  names: readonly string[],
  limitMs?: number,
): Promise<void> {
  for (const { client } of proxies) {
    const isSo = async (): Promise<boolean> => {
      const known = (await client.fleet()).proxies.map(({ name }) => name);
      return known.join() === names.join();
    };
    await until(`the fleet to be ${names.join()}`, isSo, limitMs);
  }
}

export function runCtl({ grpc }: RunningProxy, ...args: readonly string[]): Promise<Outcome> {
  return run(process.execPath, [ctl, "--address", grpc, ...args]);
}
