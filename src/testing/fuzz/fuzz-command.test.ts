import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { FUZZ_TARGETS } from "./targets.js";

interface Outcome {
  readonly code: unknown;
  readonly signal: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

function node(...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, signal: error?.signal, stdout, stderr }),
    );
  });
}

const command = fileURLToPath(new URL("fuzz-command.js", import.meta.url));

test("coverage leads some thousand inputs to every target without a crash or a slow one", async () => {
  const { code, stdout, stderr } = await node(command, "--runs", "2000", "--seconds", "4");
  assert.equal(code, 0, stdout + stderr);
  for (const { name } of FUZZ_TARGETS) {
    const [, blocks] = new RegExp(`^ok ${name}: .* (\\d+) blocks`, "m").exec(stdout) ?? [];
    assert.ok(Number(blocks) > 0, `${name}: ${stdout}`);
  }
});

test("a target that there is not is a usage error that names those that there are", async () => {
  const { code, stderr } = await node(command, "--target", "nonsense");
  assert.equal(code, 2);
  assert.match(stderr, /targets: address, /);
});

test("an input that never ends is named, and ends the run", async () => {
  const watchdog = new URL("watchdog.js", import.meta.url).href;
  const script = `
    import { startWatchdog } from ${JSON.stringify(watchdog)};
    startWatchdog(200).beforeRun(Buffer.from("endless"));
    for (;;);
  `;
  const { signal, stderr } = await node("--input-type=module", "--eval", script);
  assert.equal(signal, "SIGKILL");
  assert.match(stderr, /does not end: "endless"/);
});
