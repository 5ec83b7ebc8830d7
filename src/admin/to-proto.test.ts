import assert from "node:assert/strict";
import { test } from "node:test";
import { BackendState, Balance, DeployPhase, HealthState, ServiceState } from "@seamless/proto";
import { beginDeploy } from "../control/deploy-status.js";
import { beginDrain, observeDrain } from "../control/drain.js";
import type { BackendStatus } from "../control/service-state.js";
import { fakeBackend, FakeManagement } from "./testing/fake-management.js";
import { toProtoProxyInfo, toProtoState } from "./to-proto.js";
import { DEFAULT_SETTINGS } from "../control/service-settings.js";

const large = Number.MAX_SAFE_INTEGER;

test("a state survives the wire with every field and every digit", () => {
  const { present } = new FakeManagement();
  const counters = {
    ...fakeBackend("[::1]:80").counters,
    activeConnections: 1,
    totalConnections: large,
    failedConnects: 3,
    bytesIn: large,
    bytesOut: 5,
    ends: { client: 6, backend: 7, drain: 8, idle: 9, shutdown: 10 },
  };
  const counts = { open: 9, bytes: 100, ends: { client: 1, backend: 2, drain: 3, idle: 4, shutdown: 5 } };
  const begun = beginDrain({
    id: "[::1]:80",
    weight: 256,
    limits: { limitMs: 1_000, idleLimitMs: 2_000, spreadMs: 300 },
    counts,
    nowMs: 1_700_000_000_000,
  });
  const drain = {
    drain: observeDrain(begun, { open: 8, bytes: 150, ends: counters.ends }, 1_700_000_000_500),
    oldestUnixMs: 1_600_000_000_000,
  };
  const health = { state: "unhealthy", against: 0, error: "sick", checkedUnixMs: 1_700_000_000_001 } as const;
  const backend = fakeBackend("[::1]:80", {
    weight: 256,
    status: "draining",
    error: "why",
    counters,
    drain,
    health,
  });
  const kind = { type: "http", path: "/up", host: "app", expectedStatus: "200" } as const;
  const state = toProtoState({
    ...present,
    revision: large,
    sequence: large,
    backends: [backend],
    healthCheck: { kind, intervalMs: 1, timeoutMs: 2, rise: 3, fall: 4 },
    pause: { startedUnixMs: 1_700_000_000_002, holdLimitMs: 5, maxHeld: 6 },
    deploy: beginDeploy("id", [], 10, 1_700_000_000_003),
    ledger: { ends: counters.ends, leftEarly: 1, connectFailed: 2, holdExpired: 3, refusedByLimit: 4 },
    heldConnections: 7,
    openConnections: 11,
    acceptedConnections: large,
    refusals: {
      "connection-limit": 1,
      descriptors: 2,
      "hold-limit": 3,
      "service-limit": 4,
      "client-limit": 5,
      "accept-rate": 6,
      "proxy-header": 7,
    },
    settings: {
      ...DEFAULT_SETTINGS,
      connectTimeoutMs: 1,
      queueTimeoutMs: 2,
      idleTimeoutMs: 3,
      halfCloseTimeoutMs: 4,
      maxConnections: 5,
      maxConnectionsPerClient: 6,
      maxAcceptsPerSecond: 7,
      balance: "source_hash",
      sendProxy: 2,
      acceptProxyFrom: ["10.0.0.0/8"],
      healthCheck: { kind, intervalMs: 1, timeoutMs: 2, rise: 3, fall: 4 },
    },
  });
  const ends = { byClient: 6n, byBackend: 7n, cutByDrain: 8n, closedIdle: 9n, cutByShutdown: 10n };
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
          ends,
        },
        drain: {
          startedUnixMs: 1_700_000_000_000n,
          connectionsAtStart: 9,
          openConnections: 8,
          options: { limitMs: 1_000, idleLimitMs: 2_000, spreadMs: 300 },
          deadlineUnixMs: 1_700_000_001_000n,
          oldestUnixMs: 1_600_000_000_000n,
          lastByteUnixMs: 1_700_000_000_500n,
          bytes: 50n,
          ends: { byClient: 5n, byBackend: 5n, cutByDrain: 5n, closedIdle: 5n, cutByShutdown: 5n },
        },
        health: { state: HealthState.UNHEALTHY, error: "sick", checkedUnixMs: 1_700_000_000_001n },
      },
    ],
    healthCheck: {
      kind: { $case: "http", value: { path: "/up", host: "app", expectedStatus: "200" } },
      intervalMs: 1,
      timeoutMs: 2,
      rise: 3,
      fall: 4,
    },
    pause: { startedUnixMs: 1_700_000_000_002n, holdLimitMs: 5, maxHeld: 6 },
    deploy: {
      id: "id",
      phase: DeployPhase.CHECKING,
      startedUnixMs: 1_700_000_000_003n,
      phaseStartedUnixMs: 1_700_000_000_003n,
      phaseDeadlineUnixMs: 1_700_000_000_013n,
      revision: 0n,
      percent: 0,
      backends: [],
      candidates: [],
      drains: [],
      proxies: [],
      verdict: undefined,
    },
    ledger: {
      ends,
      leftEarly: 1n,
      connectFailed: 2n,
      holdExpired: 3n,
      refusedByLimit: 4n,
      refusals: {
        connectionLimit: 1n,
        descriptors: 2n,
        holdLimit: 3n,
        serviceLimit: 4n,
        clientLimit: 5n,
        acceptRate: 6n,
        proxyHeader: 7n,
      },
    },
    heldConnections: 7,
    openConnections: 11,
    acceptedConnections: BigInt(large),
    settings: {
      connectTimeoutMs: 1,
      queueTimeoutMs: 2,
      idleTimeoutMs: 3,
      halfCloseTimeoutMs: 4,
      maxConnections: 5,
      maxConnectionsPerClient: 6,
      maxAcceptsPerSecond: 7,
      balance: Balance.SOURCE_HASH,
      sendProxy: 2,
      acceptProxyFrom: ["10.0.0.0/8"],
      healthCheck: {
        kind: { $case: "http", value: { path: "/up", host: "app", expectedStatus: "200" } },
        intervalMs: 1,
        timeoutMs: 2,
        rise: 3,
        fall: 4,
      },
    },
  });
});

test("each status has a state of its own, and only a draining backend a drain", () => {
  const { present } = new FakeManagement();
  const expected: Readonly<Record<BackendStatus, BackendState>> = {
    active: BackendState.ACTIVE,
    unresolved: BackendState.UNRESOLVED,
    ejected: BackendState.EJECTED,
    unhealthy: BackendState.UNHEALTHY,
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
    predecessor: undefined,
    store: { kind: "memory", available: true, staleSinceUnixMs: 0n, error: "" },
  });
});
