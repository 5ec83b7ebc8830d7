import type { TestContext } from "node:test";
import { createEtcdClient } from "../create-etcd-client.js";
import type { EtcdClient } from "../etcd-client.js";
import type { EtcdEndpoint, EtcdOptions } from "../etcd-options.js";
import { Recorder } from "./recorder.js";

/** A client that is closed with the test. */
export function clientOf(
  t: TestContext,
  servers: readonly { readonly endpoint: EtcdEndpoint }[],
  options: Partial<EtcdOptions> = {},
): EtcdClient {
  const client = createEtcdClient({ endpoints: servers.map(({ endpoint }) => endpoint), ...options });
  t.after(() => client.close());
  return client;
}

/** Follows, and has caught up. */
export async function followed(t: TestContext, client: EtcdClient, prefix: string): Promise<Recorder> {
  const recorder = new Recorder();
  const following = client.follow(prefix, recorder);
  t.after(() => following.close());
  await recorder.until(() => recorder.connected);
  return recorder;
}
