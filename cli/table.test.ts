import assert from "node:assert/strict";
import { test } from "node:test";
import { formatTable } from "./table.js";

test("a column is as wide as its widest cell, and no line ends in spaces", () => {
  assert.equal(
    formatTable([
      ["A", "B"],
      ["long", ""],
      ["x", "yy"],
    ]),
    "A     B\nlong\nx     yy\n",
  );
});

test("columns of numbers end flush", () => {
  assert.equal(
    formatTable(
      [
        ["N", "X"],
        ["100", "a"],
        ["7", "b"],
      ],
      new Set([0]),
    ),
    "  N  X\n100  a\n  7  b\n",
  );
});

test("no rows are no lines", () => {
  assert.equal(formatTable([]), "");
});

test("a cell stays in its row, whatever it holds", () => {
  assert.equal(formatTable([["a\r\nb\u001b[2J", "c"]]), "a b [2J  c\n");
});
