/** One of each thing that a configuration file may say. */
export const CONFIG = `grpc: unix:/run/g.sock
log_format: json
shutdown_timeout: 1m
services:
  web:
    listen: [8080, "[::1]:1", unix:/run/web.sock]
    backends: [a:1, b:2=3]
    health: http:/up
    health_status: 200-299,404
    accept_proxy_from: 10.0.0.0/8, ::1
    send_proxy: v2
    balance: source_hash
  db: {listen: 127.0.0.1:5432, backends: c:1, max_connections: 5}
`;

export const TOKENS = `- name: ci
  sha256: ${"ab".repeat(32)}
  verbs: [deploy]
  services: [web]
- {name: ops, sha256: ${"cd".repeat(32)}, verbs: [read, admin], services: "*"}
`;

const ENDS = { client: 1, backend: 2, drain: 0, idle: 0, shutdown: 0 };
const LIST = [{ address: "b:1", weight: 1 }];
const CHECK = {
  kind: { type: "http", path: "/up", host: "", expectedStatus: "200-299" },
  intervalMs: 2_000,
  timeoutMs: 1_000,
  rise: 2,
  fall: 2,
};

/** What a state file says below its first line, with every field there is. */
export const STATE_BODY = JSON.stringify({
  services: [
    {
      name: "default",
      definition: {
        listen: [{ host: "", port: 8080 }, { path: "/run/web.sock" }],
        settings: { connectTimeoutMs: 3_000, balance: "round_robin", acceptProxyFrom: ["10.0.0.0/8"] },
      },
      instanceId: "one",
      revision: 2,
      sequenceBase: 0,
      list: LIST,
      healthCheck: CHECK,
      pause: { startedUnixMs: 1, holdLimitMs: 2, maxHeld: 3 },
      history: [
        {
          revision: 1,
          atUnixMs: 5,
          verb: "set",
          actor: "me",
          from: "here",
          list: LIST,
          ledger: { ends: ENDS, leftEarly: 0, connectFailed: 0, holdExpired: 0, refusedByLimit: 0 },
        },
      ],
      drains: [{ id: "a:1", weight: 1, startedUnixMs: 6, open: 2 }],
      returnTo: LIST,
    },
  ],
});

/** What the store has of a list that is shared, with every field there is. */
export const SHARED_LIST = JSON.stringify({
  format: 1,
  write: "w",
  revision: 2,
  list: LIST,
  healthCheck: CHECK,
  pause: { startedUnixMs: 1, holdLimitMs: 2, maxHeld: 3 },
  drainLimits: { limitMs: 1, idleLimitMs: 1_000, spreadMs: 0 },
  trial: { proxies: ["p"], list: LIST },
  returnTo: LIST,
  change: { revision: 2, atUnixMs: 1, verb: "canary", actor: "me", from: "here" },
});

/** What it has of a proxy. */
export const SHARED_MEMBER = JSON.stringify({
  id: "p",
  name: "web1",
  version: "1",
  startedUnixMs: 1,
  services: [
    {
      service: "web",
      revision: 2,
      openConnections: 3,
      backends: [{ address: "b:1", status: "active", open: 1, total: 2, failed: 3 }],
      deploy: {
        id: "d",
        candidates: [
          { address: "b:1", health: { state: "healthy", against: 0, error: "", checkedUnixMs: 1 } },
        ],
        drains: [
          { address: "a:1", startedUnixMs: 1, atStart: 2, open: 1, ends: ENDS, state: { phase: "open" } },
        ],
      },
    },
  ],
});
