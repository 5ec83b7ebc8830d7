import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ServiceState } from "./service-state.js";
import { noRefusals } from "../engine/refusals.js";
import { NO_LEDGER } from "./ledger.js";
import { DEFAULT_SETTINGS } from "./service-settings.js";
import { createStateFeed, type StateFeed } from "./state-feed.js";

interface Source {
  readonly feed: StateFeed;
  /** A change of the list. */
  readonly change: () => void;
  /** Progress within a revision. */
  readonly progress: () => void;
}

function createSource(): Source {
  let [revision, sequence] = [1, 1];
  const state = (): ServiceState => {
    return {
      service: "default",
      instanceId: "one",
      revision,
      sequence,
      backends: [],
      listenAddresses: [],
      healthCheck: undefined,
      pause: undefined,
      deploy: undefined,
      ledger: NO_LEDGER,
      heldConnections: 0,
      openConnections: 0,
      acceptedConnections: 0,
      refusals: noRefusals(),
      settings: DEFAULT_SETTINGS,
    };
  };
  const feed = createStateFeed(state);
  feed.publish(state());
  const next = (revisions: number) => (): void => {
    revision += revisions;
    sequence += 1;
    feed.publish(state());
  };
  return { feed, change: next(1), progress: next(0) };
}

/** Collects "revision/sequence"; full after `room` states. */
function createReader(room = Infinity): {
  seen: string[];
  send: (state: ServiceState) => boolean;
  makeRoom: (by: number) => void;
} {
  const seen: string[] = [];
  let left = room;
  return {
    seen,
    send: (state) => {
      seen.push(`${state.revision}/${state.sequence}`);
      left -= 1;
      return left > 0;
    },
    makeRoom: (by) => void (left += by),
  };
}

test("a watcher gets the present state, then each one that is published", () => {
  const { feed, change, progress } = createSource();
  change();
  const { seen, send } = createReader();
  feed.watch(undefined, send);
  progress();
  change();
  assert.deepEqual(seen, ["2/2", "2/3", "3/4"]);
});

test("a watcher that knows a position gets only what came after it, revision by revision", () => {
  const { feed, change, progress } = createSource();
  for (const step of [change, progress, change, change, progress]) step();
  const { seen, send } = createReader();
  feed.watch({ revision: 2, sequence: 3, instanceId: "one" }, send);
  assert.deepEqual(seen, ["3/4", "4/5", "4/6"]);
});

test("a watcher that knows the present position gets nothing until the next change", () => {
  const { feed, change } = createSource();
  change();
  const { seen, send } = createReader();
  feed.watch({ revision: 2, sequence: 2, instanceId: "one" }, send);
  assert.deepEqual(seen, []);
  change();
  assert.deepEqual(seen, ["3/3"]);
});

test("a position by revision alone is enough", () => {
  const { feed, change, progress } = createSource();
  for (const step of [change, progress, change]) step();
  const behind = createReader();
  feed.watch({ revision: 2, sequence: 0, instanceId: "" }, behind.send);
  assert.deepEqual(behind.seen, ["3/4"]);
  const present = createReader();
  feed.watch({ revision: 3, sequence: 0, instanceId: "" }, present.send);
  progress();
  assert.deepEqual(present.seen, ["3/5"]);
});

test("a position of another instance, or from the future, starts with the present state", () => {
  const { feed, change } = createSource();
  change();
  for (const after of [
    { revision: 1, sequence: 1, instanceId: "other" },
    { revision: 9, sequence: 9, instanceId: "" },
    { revision: 2, sequence: 9, instanceId: "one" },
  ]) {
    const { seen, send } = createReader();
    feed.watch(after, send);
    assert.deepEqual(seen, ["2/2"]);
  }
});

test("what is older than 128 revisions is not kept", () => {
  const { feed, change } = createSource();
  for (let i = 0; i < 200; i++) change();
  const { seen, send } = createReader();
  feed.watch({ revision: 1, sequence: 1, instanceId: "one" }, send);
  assert.equal(seen.length, 128);
  assert.equal(seen.at(-1), "201/201");
});

test("a slow watcher gets the latest state when it can take more, and no queue", () => {
  const { feed, change } = createSource();
  const { seen, send, makeRoom } = createReader(1);
  const watch = feed.watch(undefined, send);
  change();
  change();
  change();
  assert.deepEqual(seen, ["1/1"]);
  makeRoom(1);
  watch.resume();
  assert.deepEqual(seen, ["1/1", "4/4"]);
});

test("a slow watcher that comes back gets what it can take, then the latest", () => {
  const { feed, change } = createSource();
  for (let i = 0; i < 5; i++) change();
  const { seen, send, makeRoom } = createReader(2);
  const watch = feed.watch({ revision: 1, sequence: 1, instanceId: "one" }, send);
  makeRoom(2);
  watch.resume();
  assert.deepEqual(seen, ["2/2", "3/3", "6/6"]);
});

test("a closed watch sends nothing and is forgotten", () => {
  const { feed, change } = createSource();
  const { seen, send } = createReader();
  const watch = feed.watch(undefined, send);
  watch.close();
  change();
  watch.resume();
  assert.deepEqual(seen, ["1/1"]);
  assert.equal(feed.watchers, 0);
});

test("however slow a reader is, it sees rising sequences and ends with the latest state", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("change", "progress", "room"), { maxLength: 60 }), (steps) => {
      const source = createSource();
      const reader = createReader(1);
      const watch = source.feed.watch(undefined, reader.send);
      let latest = 1;
      for (const step of steps) {
        if (step === "room") {
          reader.makeRoom(1);
          watch.resume();
        } else {
          source[step]();
          latest += 1;
        }
      }
      reader.makeRoom(2);
      watch.resume();
      const sequences = reader.seen.map((state) => Number(state.split("/")[1]));
      assert.deepEqual(
        sequences,
        [...new Set(sequences)].sort((a, b) => a - b),
      );
      assert.equal(sequences.at(-1), latest);
    }),
  );
});
