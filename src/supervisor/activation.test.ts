import assert from "node:assert/strict";
import { test } from "node:test";
import { readActivation } from "./activation.js";

test("sockets go to the services they are named after, in order, and each once", () => {
  const activation = readActivation({ LISTEN_PID: "7", LISTEN_FDS: "3", LISTEN_FDNAMES: "web:db:web" }, 7);
  assert.deepEqual(
    [activation.take("web", 0), activation.take("web", 1), activation.take("web", 2)],
    [3, 5, undefined],
  );
  assert.equal(activation.take("web", 0), undefined);
  assert.deepEqual(activation.left, ["db"]);
});

test("without names they belong to the default service", () => {
  const activation = readActivation({ LISTEN_PID: "7", LISTEN_FDS: "1" }, 7);
  assert.equal(activation.take("default", 0), 3);
});

test("sockets for another process are not touched", () => {
  for (const environment of [{}, { LISTEN_PID: "8", LISTEN_FDS: "2" }, { LISTEN_FDS: "2" }])
    assert.deepEqual(readActivation(environment, 7).left, []);
});

test("a number that is none is refused", () => {
  assert.throws(() => readActivation({ LISTEN_PID: "7", LISTEN_FDS: "x" }, 7), { code: "CONFIG_INVALID" });
});
