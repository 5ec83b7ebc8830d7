import assert from "node:assert/strict";
import { getEventListeners, once } from "node:events";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import type { GetResponse } from "@seamless/proto";
import * as sdk from "./index.js";
import { connect } from "./index.js";
import { failsWith, richError } from "./testing/errors.js";
import { deadAddress, type FakeProxy, startFake, state, type WatchCall } from "./testing/fake-proxy.js";

const proxy = {
  version: "1",
  engine: "node",
  startedUnixMs: 0n,
  openConnections: 0,
  maxConnections: 1,
  acceptedConnections: 0n,
  refusedConnections: 0n,
  unservedConnections: 0n,
  shuttingDown: false,
  services: ["default"],
  predecessor: undefined,
  store: undefined,
};
const answer: GetResponse = { state: state(1), proxy };

test("the SDK exports just this", () => {
  assert.deepEqual(Object.keys(sdk).sort(), [
    "BackendState",
    "DeployOutcome",
    "DeployPhase",
    "DrainOutcome",
    "HealthState",
    "SeamlessError",
    "connect",
  ]);
});

test("get answers with the state and the proxy", async (t) => {
  const { client } = await startFake(t, { get: (callback) => callback(null, answer) });
  const { state: got, proxy: info } = await client.get();
  assert.equal(got.revision, 1n);
  assert.equal(info.version, "1");
});

test("get asks for the latest list only if it is told to", async (t) => {
  const asked: boolean[] = [];
  const { client } = await startFake(t, {
    get(callback, _, { linearizable }) {
      asked.push(linearizable);
      callback(null, answer);
    },
  });
  await client.get();
  await client.get({ linearizable: true });
  assert.deepEqual(asked, [false, true]);
});

test("what the store surely did not take is tried again; what it may have taken is not", async (t) => {
  const refused = richError("STORE_UNAVAILABLE", {}, status.UNAVAILABLE);
  const { client, requests } = await startFake(t, {
    get: (callback, attempt) => (attempt < 3 ? callback(refused) : callback(null, answer)),
    set: (callback, attempt) =>
      attempt < 6 ? callback(refused) : callback(null, { state: state(1), changed: true }),
  });
  await client.get({ linearizable: true });
  assert.equal((await client.set(["a:1"])).changed, true);
  assert.deepEqual(requests, ["get", "get", "get", "set", "set", "set"]);

  const unknown = { outcome: "unknown" };
  const inDoubt = await startFake(t, {
    set: (callback) => callback(richError("STORE_UNAVAILABLE", unknown, status.UNAVAILABLE)),
  });
  const failure = { code: "STORE_UNAVAILABLE", status: "UNAVAILABLE", details: unknown };
  await assert.rejects(inDoubt.client.set(["a:1"]), failsWith(failure));
  assert.deepEqual(inDoubt.requests, ["set"]);
});

test("a change that the store never takes is refused in the end, and its outcome is not in doubt", async (t) => {
  const { client, requests } = await startFake(t, {
    set: (callback) => callback(richError("STORE_UNAVAILABLE", {}, status.UNAVAILABLE)),
  });
  await assert.rejects(
    client.set(["a:1"]),
    failsWith({ code: "STORE_UNAVAILABLE", method: "set", details: {} }),
  );
  assert.equal(requests.length, 4);
});

test("get is tried again on UNAVAILABLE, a change that was sent is not", async (t) => {
  const unavailable = { code: status.UNAVAILABLE, details: "later" };
  const { client, requests } = await startFake(t, {
    get: (callback, attempt) => (attempt < 3 ? callback(unavailable) : callback(null, answer)),
    set: (callback) => callback(unavailable),
  });
  await client.get();
  assert.deepEqual(requests, ["get", "get", "get"]);
  await assert.rejects(
    client.set(["a:1"]),
    failsWith({ code: "UNAVAILABLE", details: { outcome: "unknown" } }),
  );
  assert.deepEqual(requests.slice(3), ["set"]);
});

test("the reason of the proxy is the code; its facts come along", async (t) => {
  const { client } = await startFake(t, {
    set: (callback) => callback(richError("REVISION_MISMATCH", { current_revision: "8" }, status.ABORTED)),
    get: (callback) => callback({ code: status.DATA_LOSS, details: "x" }),
  });
  const conflict = { code: "REVISION_MISMATCH", status: "ABORTED", method: "set", currentRevision: 8n };
  await assert.rejects(client.set(["a:1"]), failsWith(conflict));
  await assert.rejects(client.get(), failsWith({ code: "UNKNOWN", status: "DATA_LOSS" }));
});

test("no answer in time is DEADLINE_EXCEEDED", async (t) => {
  const { client } = await startFake(t, {});
  await assert.rejects(
    client.get({ timeoutMs: 50 }),
    failsWith({ code: "DEADLINE_EXCEEDED", method: "get" }),
  );
});

test("an aborted signal cancels, with its reason as the cause", async (t) => {
  const { client } = await startFake(t, {});
  const controller = new AbortController();
  const call = client.get({ signal: controller.signal });
  controller.abort("enough");
  await assert.rejects(call, failsWith({ code: "CANCELLED", cause: "enough" }));
  await assert.rejects(client.get({ signal: AbortSignal.abort("before") }), failsWith({ code: "CANCELLED" }));
});

test("closing the client cancels what is under way", async (t) => {
  const { client } = await startFake(t, {});
  const call = client.get();
  client.close();
  await assert.rejects(call, failsWith({ code: "CANCELLED" }));
});

test("a call that has ended, however it did, leaves no listener on the signal", async (t) => {
  const { client } = await startFake(t, {
    get: (callback, attempt) =>
      attempt === 1 ? callback(null, answer) : callback(richError("INTERNAL", {}, status.INTERNAL)),
    watch: (call: WatchCall) => void call.write({ state: state(1) }),
  });
  const { signal } = new AbortController();
  await client.get({ signal });
  await assert.rejects(client.get({ signal }), failsWith({ code: "INTERNAL" }));
  await assert.rejects(client.set(["a:1"], { signal, timeoutMs: 20 }));
  for await (const { sequence } of client.watch({ signal })) if (sequence === 1n) break;
  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("a change without an answer in time may have been carried out, and the error says so", async (t) => {
  const { client } = await startFake(t, {});
  await assert.rejects(client.set(["a:1"], { timeoutMs: 50 }), (error: sdk.SeamlessError) => {
    assert.equal(error.details["outcome"], "unknown");
    return failsWith({ code: "DEADLINE_EXCEEDED", method: "set" })(error);
  });
});

test("where nothing listens the error says what to check, and no outcome is in doubt", async (t) => {
  const address = await deadAddress();
  const client = connect({ address, retry: { attempts: 2, initialDelayMs: 1 } });
  t.after(() => client.close());
  await assert.rejects(client.set(["a:1"]), (error: Error) => {
    const says = `UNAVAILABLE: no Seamless proxy answers at ${address} (connection refused); is it running`;
    assert.equal(error.message.slice(0, says.length), says);
    return failsWith({ code: "UNAVAILABLE", method: "set", details: { address } })(error);
  });
});

test("a watch whose first connection fails throws once its attempts are used up", async (t) => {
  const address = await deadAddress();
  const client = connect({ address, retry: { attempts: 3, initialDelayMs: 1 } });
  t.after(() => client.close());
  const attempts: number[] = [];
  const onReconnect = (_: unknown, attempt: number): void => {
    attempts.push(attempt);
    assert.ok(attempt < 3, "tried once more than allowed");
  };
  const first = client.watch({ onReconnect })[Symbol.asyncIterator]().next();
  await assert.rejects(first, failsWith({ code: "UNAVAILABLE", method: "watch", details: { address } }));
  assert.deepEqual(attempts, [1, 2]);
});

test("a watch that is cut goes on after the last state, and repeats nothing", async (t) => {
  const positions: (bigint | undefined)[] = [];
  const fake: FakeProxy = await startFake(t, {
    watch: (call: WatchCall) => {
      positions.push(call.request.after?.sequence);
      const from = Number(call.request.after?.sequence ?? 0n);
      // What is known already is sent once more: the client has to drop it.
      if (from > 0) call.write({ state: state(from) });
      call.write({ state: state(from + 1) });
      call.write({ state: state(from + 2) });
    },
  });
  const seen: bigint[] = [];
  const reconnects: number[] = [];
  for await (const { sequence } of fake.client.watch({
    onReconnect: (_, attempt) => reconnects.push(attempt),
  })) {
    seen.push(sequence);
    if (seen.length === 2 || seen.length === 4) fake.cut();
    if (seen.length === 6) break;
  }
  assert.deepEqual(seen, [1n, 2n, 3n, 4n, 5n, 6n]);
  assert.deepEqual(positions, [undefined, 2n, 4n]);
  assert.ok(reconnects.length >= 2);
});

test("a proxy that has restarted is watched from its present state", async (t) => {
  let starts = 0;
  const { client } = await startFake(t, {
    watch: (call: WatchCall) => {
      starts += 1;
      call.write({ state: starts === 1 ? state(9) : state(1, "two") });
      call.end();
    },
  });
  const seen: string[] = [];
  for await (const { instanceId, sequence } of client.watch()) {
    seen.push(`${instanceId} ${sequence}`);
    if (seen.length === 2) break;
  }
  assert.deepEqual(seen, ["one 9", "two 1"]);
});

test("leaving the loop cancels the stream at the proxy", async (t) => {
  let cancelled: Promise<unknown> | undefined;
  const { client } = await startFake(t, {
    watch: (call: WatchCall) => {
      cancelled = once(call, "cancelled");
      call.write({ state: state(1) });
    },
  });
  for await (const { sequence } of client.watch()) if (sequence === 1n) break;
  await cancelled;
});

test("a watch that is left while a state is awaited ends at once", { timeout: 5_000 }, async (t) => {
  const { client } = await startFake(t, { watch: (call: WatchCall) => void call.write({ state: state(1) }) });
  const states = client.watch()[Symbol.asyncIterator]();
  await states.next();
  const next = states.next();
  await states.return?.();
  assert.deepEqual(await next, { done: true, value: undefined });
});

test("what stays true however often it is asked ends the watch", async (t) => {
  const { client } = await startFake(t, {
    watch: (call: WatchCall) => void call.emit("error", richError("SERVICE_NOT_FOUND", {}, status.NOT_FOUND)),
  });
  const onReconnect = (): void => assert.fail("asked again");
  const first = client.watch({ onReconnect })[Symbol.asyncIterator]().next();
  await assert.rejects(first, failsWith({ code: "SERVICE_NOT_FOUND", method: "watch" }));
});

test("a watch whose signal is aborted throws CANCELLED", async (t) => {
  const { client } = await startFake(t, { watch: (call: WatchCall) => void call.write({ state: state(1) }) });
  const controller = new AbortController();
  const states = client.watch({ signal: controller.signal })[Symbol.asyncIterator]();
  await states.next();
  const next = states.next();
  controller.abort();
  await assert.rejects(next, failsWith({ code: "CANCELLED", method: "watch" }));
});
