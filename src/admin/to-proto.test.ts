import assert from "node:assert/strict";
import { test } from "node:test";
import { BackendState, ServiceState } from "@seamless/proto";
import type { BackendStatus } from "../control/service-state.js";
import { fakeBackend, FakeManagement } from "./testing/fake-management.js";
import { toProtoProxyInfo, toProtoState } from "./to-proto.js";

const large = Number.MAX_SAFE_INTEGER;

test("a state survives the wire with every field and every digit", () => {
  const { present } = new FakeManagement();
  const counters = {
    activeConnections: 1,
    totalConnections: large,
    failedConnects: 3,
    bytesIn: large,
    bytesOut: 5,
  };
  const drain = { startedUnixMs: 1_700_000_000_000, connectionsAtStart: 9, openConnections: 8 };
  const backend = fakeBackend("[::1]:80", { weight: 256, status: "draining", error: "why", counters, drain });
  const state = toProtoState({ ...present, revision: large, sequence: large, backends: [backend] });
  assert.deepEqual(ServiceState.decode(ServiceState.encode(state).finish()), {
    service: "default",
    instanceId: "one",
    revision: BigInt(large),
    sequence: BigInt(large),
    listenAddresses: ["127.0.0.1:8080"],
    backends: [
      {
        address: "[::1]:80",
        weight: 256,
        state: BackendState.DRAINING,
        resolvedAddresses: ["127.0.0.1"],
        error: "why",
        counters: {
          activeConnections: 1,
          totalConnections: BigInt(large),
          failedConnects: 3n,
          bytesIn: BigInt(large),
          bytesOut: 5n,
        },
        drain: { startedUnixMs: 1_700_000_000_000n, connectionsAtStart: 9, openConnections: 8 },
      },
    ],
  });
});

test("each status has a state of its own, and only a draining backend a drain", () => {
  const { present } = new FakeManagement();
  const expected: Readonly<Record<BackendStatus, BackendState>> = {
    active: BackendState.ACTIVE,
    unresolved: BackendState.UNRESOLVED,
    ejected: BackendState.EJECTED,
    draining: BackendState.DRAINING,
  };
  for (const [status, state] of Object.entries(expected)) {
    const backends = [fakeBackend("a:1", { status: status as BackendStatus })];
    const [backend] = toProtoState({ ...present, backends }).backends;
    assert.deepEqual([backend?.state, backend?.drain], [state, undefined]);
  }
});

test("the proxy's own numbers are passed on", () => {
  assert.deepEqual(toProtoProxyInfo(new FakeManagement().proxyInfo()), {
    version: "1.2.3",
    engine: "fake",
    startedUnixMs: 1_700_000_000_000n,
    openConnections: 1,
    maxConnections: 2,
    acceptedConnections: 3n,
    refusedConnections: 4n,
    unservedConnections: 5n,
    shuttingDown: false,
    services: ["default"],
  });
});
