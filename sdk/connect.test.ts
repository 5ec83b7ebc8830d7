import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { test, type TestContext } from "node:test";
import {
  Metadata,
  Server,
  ServerCredentials,
  status,
  type handleServerStreamingCall,
  type sendUnaryData,
  type ServerWritableStream,
} from "@grpc/grpc-js";
import {
  Any,
  ErrorInfo,
  SeamlessServiceService,
  Status,
  type GetResponse,
  type ServiceState,
  type WatchBackendsRequest,
  type WatchBackendsResponse,
} from "@seamless/proto";
import * as sdk from "./index.js";
import { connect, SeamlessError, type SeamlessClient } from "./index.js";

type WatchCall = ServerWritableStream<WatchBackendsRequest, WatchBackendsResponse>;

/** A proxy whose answers are the test's; `cut` breaks all its connections. */
interface FakeProxy {
  readonly client: SeamlessClient;
  readonly requests: string[];
  cut(): void;
}

interface Answers {
  readonly get?: (callback: sendUnaryData<GetResponse>, attempt: number) => void;
  readonly set?: (callback: sendUnaryData<{ state: ServiceState; changed: boolean }>) => void;
  readonly watch?: handleServerStreamingCall<WatchBackendsRequest, WatchBackendsResponse>;
}

const state = (sequence: number, instanceId = "one"): ServiceState => {
  const revision = BigInt(sequence);
  return { service: "default", instanceId, revision, sequence: revision, backends: [], listenAddresses: [] };
};

async function startFake(
  t: TestContext,
  answers: Answers,
  options: sdk.ConnectOptions = {},
): Promise<FakeProxy> {
  const requests: string[] = [];
  const server = new Server();
  const unexpected = (): never => assert.fail("not expected");
  server.addService(SeamlessServiceService, {
    get: (_: unknown, callback: sendUnaryData<GetResponse>) => {
      requests.push("get");
      answers.get?.(callback, requests.length);
    },
    set: (_: unknown, callback: sendUnaryData<{ state: ServiceState; changed: boolean }>) => {
      requests.push("set");
      answers.set?.(callback);
    },
    add: unexpected,
    remove: unexpected,
    watchBackends: answers.watch ?? unexpected,
  });
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    injector.injectConnection(socket);
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as { port: number };
  const retry = { initialDelayMs: 1, maxDelayMs: 5 };
  const client = connect({ address: `127.0.0.1:${port}`, retry, ...options });
  const cut = (): void => sockets.forEach((socket) => socket.destroy());
  t.after(() => {
    client.close();
    listener.close();
    cut();
    server.forceShutdown();
  });
  return { client, requests, cut };
}

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
};
const answer: GetResponse = { state: state(1), proxy };
const failsWith = (expected: object) => (error: unknown) => {
  assert.ok(error instanceof SeamlessError, String(error));
  assert.ok(error.message.startsWith(`${error.code}: `));
  for (const [key, value] of Object.entries(expected))
    assert.deepEqual(error[key as keyof SeamlessError], value, key);
  return true;
};

function richError(reason: string, metadata: Record<string, string>, code: status): object {
  const info = ErrorInfo.encode({ reason, domain: "seamless", metadata }).finish();
  const any = Any.create({ typeUrl: "type.googleapis.com/google.rpc.ErrorInfo", value: Buffer.from(info) });
  const trailer = new Metadata();
  trailer.set(
    "grpc-status-details-bin",
    Buffer.from(Status.encode({ code, message: "no", details: [any] }).finish()),
  );
  return { code, details: "no", metadata: trailer };
}

test("the SDK exports just this", () => {
  assert.deepEqual(Object.keys(sdk).sort(), ["BackendState", "SeamlessError", "connect"]);
});

test("get answers with the state and the proxy", async (t) => {
  const { client } = await startFake(t, { get: (callback) => callback(null, answer) });
  const { state: got, proxy: info } = await client.get();
  assert.equal(got.revision, 1n);
  assert.equal(info.version, "1");
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
    get: (callback) => callback({ code: status.PERMISSION_DENIED, details: "x" }),
  });
  const conflict = { code: "REVISION_MISMATCH", status: "ABORTED", method: "set", currentRevision: 8n };
  await assert.rejects(client.set(["a:1"]), failsWith(conflict));
  await assert.rejects(client.get(), failsWith({ code: "UNKNOWN", status: "PERMISSION_DENIED" }));
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

test("where nothing listens the error says what to check", async () => {
  const client = connect({ address: "127.0.0.1:1", retry: { attempts: 2, initialDelayMs: 1 } });
  await assert.rejects(client.set(["a:1"]), (error: Error) => {
    assert.match(error.message, /^UNAVAILABLE: no Seamless proxy answers at 127\.0\.0\.1:1 .*is it running/);
    return failsWith({ code: "UNAVAILABLE", details: { address: "127.0.0.1:1" } })(error);
  });
  client.close();
});

for (const options of [
  { address: "nowhere" },
  { address: "unix:relative" },
  { timeoutMs: 0 },
  { timeoutMs: 2 ** 31 },
  { retry: { attempts: 0 } },
] satisfies sdk.ConnectOptions[]) {
  test(`connect(${JSON.stringify(options)}) is refused at once`, () => {
    assert.throws(() => connect(options), failsWith({ code: "INVALID_OPTIONS", method: "connect" }));
  });
}

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

test("what stays true however often it is asked ends the watch", async (t) => {
  const { client } = await startFake(t, {
    watch: (call: WatchCall) => void call.emit("error", richError("SERVICE_NOT_FOUND", {}, status.NOT_FOUND)),
  });
  const first = client.watch()[Symbol.asyncIterator]().next();
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
