import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { readAll, startNamed } from "../support/backends.js";
import { hasProgram } from "../support/programs.js";
import { startProxy, type RunningProxy } from "../support/proxy.js";
import {
  ctlClient,
  curlClient,
  rawClient,
  sdkClient,
  type Answer,
  type ManagementClient,
} from "./clients.js";

type Errors = Readonly<Record<string, { readonly code: string; readonly curl: (address: string) => string }>>;

/** What is refused, as a stable code over gRPC and as the original's text over HTTP. */
const errors = {
  badSet: {
    code: "INVALID_ADDRESS",
    curl: (address) => `400 error: '${address}' is not valid network address`,
  },
  badAdd: {
    code: "INVALID_ADDRESS",
    curl: (address) => `400 error: '${address}' is not valid network address`,
  },
  unknown: { code: "BACKEND_NOT_FOUND", curl: (address) => `400 backend '${address}' not found` },
} satisfies Errors;

const clients: Record<string, (t: TestContext, proxy: RunningProxy) => ManagementClient | undefined> = {
  SDK: (_, proxy) => sdkClient(proxy),
  "raw gRPC": (t, proxy) => {
    const client = rawClient(proxy);
    t.after(() => client.close());
    return client;
  },
  seamlessctl: (_, proxy) => ctlClient(proxy),
  curl: (t, proxy) => (hasProgram(t, "curl") ? curlClient(proxy) : undefined),
};

for (const [name, createClient] of Object.entries(clients)) {
  test(`the list is managed alike by ${name}`, async (t) => {
    const [a, b, c] = await Promise.all(["a", "b", "c"].map((letter) => startNamed(t, letter)));
    assert.ok(a && b && c);
    const proxy = await startProxy(t, { backends: [a.address] });
    const client = createClient(t, proxy);
    if (!client) return;
    const lists = async (work: Promise<Answer>, ...backends: { address: string }[]): Promise<void> =>
      assert.deepEqual(await work, { list: backends.map(({ address }) => address).join() });
    const fails = async (work: Promise<Answer>, kind: keyof typeof errors, address: string): Promise<void> =>
      assert.deepEqual(await work, {
        error: name === "curl" ? errors[kind].curl(address) : errors[kind].code,
      });
    const served = async (expected: string): Promise<void> => {
      let order = "";
      for (let i = 0; i < expected.length; i++) order += await readAll(proxy.port);
      assert.equal(order, expected);
    };

    await lists(client.get(), a);
    await lists(client.set([a.address, b.address, c.address]), a, b, c);
    await served("bcabca");
    await lists(client.add(b.address), a, b, c);
    await served("bc");
    await lists(client.remove(b.address), a, c);
    await served("aca");
    await lists(client.add(b.address), a, c, b);
    await served("cbacba");
    await lists(client.set([b.address, a.address, b.address]), b, b, a);
    await served("abbabb");

    await fails(client.set([a.address, "nonsense"]), "badSet", "nonsense");
    await fails(client.add("a:b"), "badAdd", "a:b");
    await fails(client.add("a:70000"), "badAdd", "a:70000");
    await fails(client.remove("127.0.0.1:9"), "unknown", "127.0.0.1:9");
    await lists(client.get(), b, b, a);

    await lists(client.remove(a.address), b, b);
    await lists(client.remove(b.address));
    await assert.rejects(readAll(proxy.port), { code: "ECONNRESET" });
    await lists(client.add(c.address), c);
    await served("cc");
  });
}
