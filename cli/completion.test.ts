import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { connect } from "@seamless/sdk";
import { completionScript, SHELLS } from "./completion.js";
import { createProgram } from "./program.js";

const sink = { write: () => true };
const program = createProgram({
  connect,
  stdout: sink,
  stderr: sink,
  version: "1",
  signal: new AbortController().signal,
});

/** What bash offers for the last of the words. */
function offered(...words: string[]): string[] {
  const script = `${completionScript("bash", program)}
seamlessctl() { echo '{"backends":[{"address":"old.example","weight":1}]}'; }
COMP_WORDS=(seamlessctl ${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length}
_seamlessctl; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, status } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
  assert.deepEqual([stderr, status], ["", 0]);
  return stdout.trim().split("\n");
}

test("bash completes commands, options, choices and the addresses in the list", () => {
  assert.deepEqual(offered("re"), ["remove"]);
  assert.deepEqual(offered("add", "--w"), ["--weight"]);
  assert.deepEqual(offered("-o", "j"), ["json"]);
  assert.deepEqual(offered("completion", "f"), ["fish"]);
  assert.deepEqual(offered("-a", "x:1", "remove", "old"), ["old.example"]);
});

test("every shell's script names every command", () => {
  for (const shell of SHELLS) {
    const script = completionScript(shell, program);
    for (const command of program.commands)
      assert.match(script, new RegExp(`\\b${command.name()}\\b`), shell);
  }
});
