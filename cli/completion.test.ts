import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { connect } from "@seamless/sdk";
import { systemClock } from "./clock.js";
import { completionScript, SHELLS } from "./completion.js";
import { createProgram } from "./program.js";

const sink = { write: () => true };
const program = createProgram({
  connect,
  stdout: sink,
  stderr: sink,
  isTerminal: false,
  clock: systemClock,
  actor: undefined,
  version: "1",
  signal: new AbortController().signal,
});

const listed = {
  backends: [
    { address: "old.example:80", weight: 1 },
    { address: "[::1]:4444", weight: 1 },
    { address: "$(echo expanded >&2):1", weight: 1 },
  ],
  deploy: { backends: [{ address: "gone.example:80" }], drains: [{ address: "gone.example:81" }] },
};

/** What bash offers at the end of a line, whose words it splits at colons as readline does. */
function offered(line: string): string[] {
  const words = line.split(" ").flatMap((word) => (word === "" ? [""] : word.split(/(:)/).filter(Boolean)));
  const script = `${completionScript("bash", program)}
seamlessctl() { echo '${JSON.stringify(listed)}'; }
COMP_LINE='${line}'; COMP_POINT=${line.length}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}
_seamlessctl; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, status } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
  assert.deepEqual([stderr, status], ["", 0]);
  return stdout.trim().split("\n");
}

test("bash completes commands, options and choices", () => {
  assert.deepEqual(offered("seamlessctl rem"), ["remove"]);
  assert.deepEqual(offered("seamlessctl add --w"), ["--weight"]);
  assert.deepEqual(offered("seamlessctl -o j"), ["json"]);
  assert.deepEqual(offered("seamlessctl get -o "), ["table", "json"]);
  assert.deepEqual(offered("seamlessctl completion f"), ["fish"]);
  assert.deepEqual(offered("seamlessctl drain ex"), ["extend"]);
  assert.deepEqual(offered("seamlessctl drain extend --li"), ["--limit"]);
  assert.deepEqual(offered("seamlessctl deploy --can"), ["--canary"]);
  assert.deepEqual(offered("seamlessctl deploy --fl"), ["--fleet"]);
  assert.deepEqual(offered("seamlessctl deploy a:1 --fleet --q"), ["--quorum"]);
  assert.deepEqual(offered("seamlessctl fl"), ["fleet"]);
  assert.deepEqual(offered("seamlessctl fleet st"), ["status"]);
  assert.deepEqual(offered("seamlessctl fleet status --w"), ["--watch"]);
  assert.deepEqual(offered("seamlessctl get --li"), ["--linearizable"]);
  assert.deepEqual(offered("seamlessctl health --timeout-"), ["--timeout-per-check"]);
});

test("bash completes the addresses in the list, also past a colon", () => {
  assert.deepEqual(offered("seamlessctl -a x:1 remove old"), ["old.example:80"]);
  assert.deepEqual(offered("seamlessctl remove old.example:"), ["80"]);
  assert.deepEqual(offered("seamlessctl remove old.example:8"), ["80"]);
  assert.deepEqual(offered("seamlessctl remove [::1]:4"), ["4444"]);
});

test("bash offers no address that only the last deploy names", () => {
  assert.deepEqual(offered("seamlessctl undrain gone"), [""]);
});

test("bash never runs what a proxy calls an address", () => {
  const all = offered("seamlessctl remove ");
  assert.ok(all.includes("old.example:80") && all.includes("[::1]:4444"), all.join(" "));
  assert.ok(!all.some((word) => word.includes("expanded")), all.join(" "));
});

for (const [shell, check] of [
  ["bash", "-n"],
  ["zsh", "-n"],
  ["fish", "--no-execute"],
] as const) {
  const missing =
    spawnSync(shell, ["--version"]).error !== undefined && `${shell} is not installed (see .ci/run)`;
  const skip = process.env["CI"] === undefined && missing;
  test(`${shell} can parse its script`, { skip }, (t) => {
    assert.equal(missing, false);
    const file = join(mkdtempSync(join(tmpdir(), "seamless-")), "script");
    t.after(() => rmSync(dirname(file), { recursive: true }));
    writeFileSync(file, completionScript(shell, program));
    const { stderr, status } = spawnSync(shell, [check, file], { encoding: "utf8" });
    assert.deepEqual([stderr, status], ["", 0]);
  });
}

test("every shell's script names every command", () => {
  for (const shell of SHELLS) {
    const script = completionScript(shell, program);
    for (const command of program.commands)
      for (const name of [command, ...command.commands].map((each) => each.name()))
        assert.match(script, new RegExp(`\\b${name}\\b`), shell);
  }
});
