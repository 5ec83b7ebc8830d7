import assert from "node:assert/strict";
import { test } from "node:test";
import { splitTarget } from "./request-target.js";

test("a target is split into its parts, and nothing in it is resolved", () => {
  const expected: Readonly<Record<string, readonly [string | undefined, string, string]>> = {
    "/set?backends=a:1": [undefined, "/set", "backends=a:1"],
    "/get": [undefined, "/get", ""],
    "/get?": [undefined, "/get", ""],
    "/get?a?b": [undefined, "/get", "a?b"],
    "//evil/get": [undefined, "//evil/get", ""],
    "/x/../get": [undefined, "/x/../get", ""],
    "/%67et": [undefined, "/%67et", ""],
    "http://localhost:6777/get?x=1": ["localhost:6777", "/get", "x=1"],
    "HTTP://evil": ["evil", "", ""],
    "http://evil?x": ["evil", "", "x"],
    "x+y://evil/get": ["evil", "/get", ""],
    "http://user@localhost:6777/get": ["user@localhost:6777", "/get", ""],
    "http:/get": [undefined, "http:/get", ""],
    "*": [undefined, "*", ""],
    "": [undefined, "", ""],
  };
  for (const [target, [authority, path, query]] of Object.entries(expected))
    assert.deepEqual(splitTarget(target), { authority, path, query }, target);
});
