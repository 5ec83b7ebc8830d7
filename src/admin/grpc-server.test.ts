import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { test } from "node:test";
import { promisify } from "node:util";
import { Client, credentials, status, type ServiceError, Metadata } from "@grpc/grpc-js";
import {
  ErrorInfo,
  Status,
  type GetResponse,
  type SetResponse,
  SetRequest,
  RemoveRequest,
} from "@seamless/proto";
import { service as healthService } from "grpc-health-check";
import { pino } from "pino";
import { ProxyError } from "../errors.js";
import { startGrpcServer } from "./grpc-server.js";
import { ManagementRefusals } from "./management-refusals.js";
import { fakeBackend, FakeManagement, type Ask } from "./testing/fake-management.js";
import { ask, startGrpc, type GrpcFixture } from "./testing/grpc-fixture.js";
import { createGate } from "./testing/waiting.js";
import { createAccess } from "./access/access.js";

const run = promisify(execFile);

function infoOf({ metadata }: ServiceError): ErrorInfo {
  const [bytes] = metadata.get("grpc-status-details-bin");
  return ErrorInfo.decode(Status.decode(bytes as Buffer).details[0]?.value ?? new Uint8Array());
}

/** Every call once; the error or undefined for each. */
async function callAll({
  connect: connectClient,
}: GrpcFixture): Promise<Record<string, ServiceError | undefined>> {
  const client = connectClient();
  const [service, backends] = ["", [{ address: "a:1" }]];
  const failure = (call: Promise<unknown>): Promise<ServiceError | undefined> =>
    call.then(
      () => undefined,
      (error: unknown) => error as ServiceError,
    );
  const watch = client.watchBackends({ service, after: undefined });
  const watched = new Promise<ServiceError | undefined>((resolve) => {
    watch.once("error", resolve);
    watch.once("data", () => {
      watch.on("error", () => undefined);
      watch.cancel();
      resolve(undefined);
    });
  });
  return {
    set: await failure(ask((done) => client.set(SetRequest.create({ service, backends }), done))),
    add: await failure(ask((done) => client.add({ service, backends }, done))),
    remove: await failure(
      ask((done) => client.remove(RemoveRequest.create({ service, addresses: ["a:1"] }), done)),
    ),
    get: await failure(ask((done) => client.get({ service, linearizable: false }, done))),
    watch: await watched,
  };
}

test("each call becomes one question to the control plane, and its answer the response", async (t) => {
  const { connect: connectClient, management } = await startGrpc(t);
  const client = connectClient();
  const backends = [{ address: "a:1", weight: 3 }, { address: "b:2" }];
  management.present = { ...management.present, backends: [fakeBackend("a:1")] };

  const metadata = new Metadata();
  metadata.set("seamless-actor", encodeURIComponent("Zoë@ci\u0007"));
  const drain = { limitMs: 5, spreadMs: 6 };
  const set = await ask<SetResponse>((done) =>
    client.set(
      SetRequest.create({ service: "default", backends, expectedRevision: 1n, drain }),
      metadata,
      done,
    ),
  );
  assert.deepEqual([set.changed, set.state?.revision, set.state?.backends[0]?.address], [true, 2n, "a:1"]);
  await ask((done) => client.add({ service: "", backends }, done));
  await ask((done) =>
    client.remove(RemoveRequest.create({ service: "", addresses: ["x", "y"], expectedRevision: 9n }), done),
  );
  const got = await ask<GetResponse>((done) => client.get({ service: "", linearizable: false }, done));
  assert.deepEqual([got.state?.revision, got.proxy?.version], [4n, "1.2.3"]);
  const [, , , [, , byPeer] = []] = management.asked;
  const { actor, from } = byPeer as { actor: string; from: string };
  assert.match(from, /^127\.0\.0\.1:\d+$/);
  assert.equal(actor, `grpc ${from}`);
  assert.deepEqual(management.asked, [
    ["service", "default"],
    [
      "set",
      backends,
      { expectedRevision: 1, actor: "Zoë@ci", from, drain: { ...drain, idleLimitMs: undefined } },
    ],
    ["service", ""],
    ["add", backends, { actor, from, drain: undefined }],
    ["service", ""],
    ["remove", ["x", "y"], { expectedRevision: 9, actor, from, drain: undefined }],
    ["service", ""],
    ["state"],
    ["proxyInfo"],
  ]);
});

test("an error reaches the client with its code, text, reason and facts", async (t) => {
  const fixture = await startGrpc(t);
  fixture.management.onAsk = (kind) => {
    if (kind !== "set") return;
    throw new ProxyError("REVISION_MISMATCH", "the revision is 7 — “not” 3\n", {
      details: { current_revision: "7" },
    });
  };
  const { set } = await callAll(fixture);
  assert.equal(set?.code, status.ABORTED);
  assert.equal(set.details, "the revision is 7 — “not” 3\n");
  assert.deepEqual(infoOf(set), {
    reason: "REVISION_MISMATCH",
    domain: "seamless",
    metadata: { current_revision: "7" },
  });
});

test("odd characters in a name come back as they were", async (t) => {
  const { connect: connectClient } = await startGrpc(t);
  const client = connectClient();
  for (const service of ["naïve", "漢字", "😀", "a\r\nb\0c", "%41%", '"<script>']) {
    await assert.rejects(
      ask((done) => client.get({ service, linearizable: false }, done)),
      (error: ServiceError) => {
        return error.code === status.NOT_FOUND && error.details === `service '${service}' not found`;
      },
    );
  }
});

const PLACES: Readonly<Record<string, Ask>> = {
  set: "set",
  add: "add",
  remove: "remove",
  get: "state",
  watch: "watch",
};

for (const [how, fail] of [
  ["throws", (error: Error): unknown => raise(error)],
  ["rejects", (error: Error): unknown => Promise.reject(error)],
] as const) {
  test(`what ${how} in a handler is one failed call, for every handler, and nothing more`, async (t) => {
    const fixture = await startGrpc(t);
    for (const [method, place] of Object.entries(PLACES)) {
      if (how === "rejects" && ["get", "watch"].includes(method)) continue;
      fixture.management.onAsk = (kind) => (kind === place ? fail(new TypeError("a secret")) : undefined);
      const errors = await callAll(fixture);
      for (const [other, error] of Object.entries(errors)) {
        assert.equal(error?.code, other === method ? status.INTERNAL : undefined, `${other} with ${method}`);
      }
      assert.doesNotMatch(errors[method]?.message ?? "", /secret/);
      assert.ok(fixture.log.some((line) => line.includes("a secret")));
    }
  });
}

function raise(error: Error): never {
  throw error;
}

test("an unknown service is NOT_FOUND for every call", async (t) => {
  const fixture = await startGrpc(t);
  fixture.management.onAsk = (kind) => {
    if (kind === "service") throw new ProxyError("SERVICE_NOT_FOUND", "no");
  };
  for (const error of Object.values(await callAll(fixture))) assert.equal(error?.code, status.NOT_FOUND);
});

test("health is SERVING for the server and the service, and NOT_SERVING once told so", async (t) => {
  const { server, target } = await startGrpc(t);
  const { Check: check } = healthService as unknown as {
    Check: MethodOf<{ service: string }, { status: string }>;
  };
  const client = new Client(target, credentials.createInsecure());
  t.after(() => client.close());
  const healthOf = async (service: string): Promise<string> => {
    const { requestSerialize, responseDeserialize, path } = check;
    const answer = await ask<{ status: string }>((done) =>
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service }, (error, value) =>
        done(error, value as { status: string }),
      ),
    );
    return answer.status;
  };
  for (const service of ["", "seamless.v1.SeamlessService"]) {
    assert.equal(await healthOf(service), "SERVING");
  }
  await assert.rejects(healthOf("other"), { code: status.NOT_FOUND });
  server.setServing(false);
  for (const service of ["", "seamless.v1.SeamlessService"]) {
    assert.equal(await healthOf(service), "NOT_SERVING");
  }
});

interface MethodOf<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (request: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

test("buf curl, which knows nothing but the address, lists the methods, calls one, and shows an error", async (t) => {
  const { target } = await startGrpc(t);
  const buf = (...args: string[]): Promise<{ stdout: string; stderr: string }> =>
    run("npx", ["--no", "buf", "curl", "--protocol", "grpc", "--http2-prior-knowledge", ...args]);
  const { stdout } = await buf("--list-methods", `http://${target}`);
  for (const method of ["Set", "Add", "Remove", "Get", "WatchBackends"]) {
    assert.match(stdout, new RegExp(`^seamless.v1.SeamlessService/${method}$`, "m"));
  }
  const url = `http://${target}/seamless.v1.SeamlessService/Get`;
  const got = JSON.parse((await buf("--data", "{}", url)).stdout) as { proxy: { version: string } };
  assert.equal(got.proxy.version, "1.2.3");
  await assert.rejects(
    buf("--data", '{"service":"other"}', url),
    /"code": "not_found"[^]*google.rpc.ErrorInfo/,
  );
});

test("a port in use is one clear line", async (t) => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  t.after(() => other.close());
  const { port } = other.address() as AddressInfo;
  await assert.rejects(
    startGrpcServer({
      access: createAccess(() => undefined),
      management: new FakeManagement(),
      refusals: new ManagementRefusals(),
      address: { host: "127.0.0.1", port },
      logger: pino({ enabled: false }),
    }),
    {
      code: "LISTEN_FAILED",
      message: `cannot listen on 127.0.0.1:${port}: the address is in use already`,
    },
  );
});

test("close lets a call under way end, and takes no new connection", async (t) => {
  const { connect: connectClient, management, server } = await startGrpc(t);
  const asked = createGate();
  const released = createGate();
  management.onAsk = (kind) => {
    if (kind !== "set") return undefined;
    asked.open();
    return released.opened;
  };
  const client = connectClient();
  const call = ask<SetResponse>((done) => client.set(SetRequest.create({ service: "", backends: [] }), done));
  await asked.opened;
  const closed = server.close(60_000);
  await assert.rejects(
    ask((done) => connectClient().get({ service: "", linearizable: false }, done)),
    { code: status.UNAVAILABLE },
  );
  released.open();
  assert.equal((await call).changed, true);
  await closed;
});

test("close cuts what has not ended within its grace", async (t) => {
  const { connect: connectClient, management, server } = await startGrpc(t);
  const asked = createGate();
  management.onAsk = (kind) => {
    if (kind !== "set") return undefined;
    asked.open();
    return new Promise(() => undefined);
  };
  const call = ask((done) => connectClient().set(SetRequest.create(), done));
  const refused = assert.rejects(call);
  await asked.opened;
  const startedMs = performance.now();
  await server.close(20);
  await refused;
  assert.ok(performance.now() - startedMs < 10_000);
});

test("close twice is close", async (t) => {
  const { server } = await startGrpc(t);
  await Promise.all([server.close(0), server.close(0)]);
  await server.close(0);
});

test("close does not wait for peers that neither speak nor hang up", async (t) => {
  const { port, server } = await startGrpc(t);
  const peers = Array.from({ length: 3 }, () => connect(port, "127.0.0.1").on("error", () => undefined));
  t.after(() => peers.forEach((peer) => peer.destroy()));
  await Promise.all(peers.map((peer) => once(peer, "connect")));
  await server.close(20);
});
