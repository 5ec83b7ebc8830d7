import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { type ServerWritableStream, status } from "@grpc/grpc-js";
import { BackendState, Fleet, type WatchFleetRequest, type WatchFleetResponse } from "@seamless/proto";
import { connect } from "./index.js";
import { failsWith, richError } from "./testing/errors.js";
import { startFake } from "./testing/fake-proxy.js";

type FleetCall = ServerWritableStream<WatchFleetRequest, WatchFleetResponse>;

const fleetOf = (...names: readonly string[]): Fleet =>
  Fleet.create({
    proxies: names.map((name) => ({
      id: `id of ${name}`,
      name,
      version: "1",
      startedUnixMs: 2n,
      self: name === "web1",
      services: [
        {
          service: "default",
          revision: 3n,
          openConnections: 4,
          backends: [{ address: "a:1", state: BackendState.DRAINING, openConnections: 5 }],
        },
      ],
    })),
    store: { kind: "etcd", available: false, staleSinceUnixMs: 6n, error: "down" },
  });
const noFleet = richError("NO_FLEET", {}, status.FAILED_PRECONDITION);

test("fleet answers what every proxy tells of itself, and is tried again on UNAVAILABLE", async (t) => {
  const { client, requests } = await startFake(t, {
    getFleet: (callback, attempt) =>
      attempt < 3
        ? callback({ code: status.UNAVAILABLE })
        : callback(null, { fleet: fleetOf("web1", "web2") }),
  });
  assert.deepEqual(await client.fleet(), fleetOf("web1", "web2"));
  assert.deepEqual(requests, ["getFleet", "getFleet", "getFleet"]);
});

test("without a shared store there is no fleet: it is asked for once", async (t) => {
  const { client, requests } = await startFake(t, {
    getFleet: (callback) => callback(noFleet),
    watchFleet: (call) => void call.emit("error", noFleet),
  });
  await assert.rejects(client.fleet(), failsWith({ code: "NO_FLEET", method: "fleet" }));
  assert.deepEqual(requests, ["getFleet"]);
  const onReconnect = (): void => assert.fail("asked again");
  const first = client.watchFleet({ onReconnect })[Symbol.asyncIterator]().next();
  await assert.rejects(first, failsWith({ code: "NO_FLEET", method: "watchFleet" }));
});

test("an answer without a fleet is not that of a Seamless proxy", async (t) => {
  const { client } = await startFake(t, { getFleet: (callback) => callback(null, { fleet: undefined }) });
  await assert.rejects(client.fleet(), failsWith({ code: "UNKNOWN", method: "fleet" }));
});

test("watchFleet that is cut connects again, and goes on with the present fleet", async (t) => {
  let streams = 0;
  const fake = await startFake(t, {
    watchFleet(call: FleetCall) {
      streams += 1;
      call.write({ fleet: fleetOf("web1") });
      call.write({ fleet: fleetOf("web1", `web${streams + 1}`) });
    },
  });
  const seen: string[][] = [];
  const reconnects: number[] = [];
  const onReconnect = (_: unknown, attempt: number): void => void reconnects.push(attempt);
  for await (const { proxies } of fake.client.watchFleet({ onReconnect })) {
    seen.push(proxies.map(({ name }) => name));
    if (seen.length === 2) fake.cut();
    if (seen.length === 4) break;
  }
  assert.deepEqual(seen, [["web1"], ["web1", "web2"], ["web1"], ["web1", "web3"]]);
  assert.deepEqual([streams, reconnects], [2, [1]]);
});

test("a proxy that stops ends the stream of the fleet, and the next one is asked", async (t) => {
  let streams = 0;
  const { client } = await startFake(t, {
    watchFleet(call: FleetCall) {
      streams += 1;
      call.write({ fleet: fleetOf(`web${streams}`) });
      call.end();
    },
  });
  const seen: (string | undefined)[] = [];
  for await (const { proxies } of client.watchFleet()) {
    seen.push(proxies[0]?.name);
    if (seen.length === 2) break;
  }
  assert.deepEqual(seen, ["web1", "web2"]);
});

test("leaving the loop cancels the stream of the fleet at the proxy; aborting throws CANCELLED", async (t) => {
  const cancelled: Promise<unknown>[] = [];
  const { client } = await startFake(t, {
    watchFleet(call: FleetCall) {
      cancelled.push(once(call, "cancelled"));
      call.write({ fleet: fleetOf("web1") });
    },
  });
  for await (const { proxies } of client.watchFleet()) if (proxies.length === 1) break;
  const controller = new AbortController();
  const fleets = client.watchFleet({ signal: controller.signal })[Symbol.asyncIterator]();
  await fleets.next();
  const next = fleets.next();
  controller.abort();
  await assert.rejects(next, failsWith({ code: "CANCELLED", method: "watchFleet" }));
  await Promise.all(cancelled);
});

test("watchFleet throws at once, before anything is read", (t) => {
  const client = connect();
  t.after(() => client.close());
  const wrong = { onReconnect: "log" } as never;
  assert.throws(() => client.watchFleet(wrong), failsWith({ code: "INVALID_OPTIONS" }));
});
