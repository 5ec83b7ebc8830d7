import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { LogSink } from "./log-sink.js";

interface Rig {
  readonly sink: LogSink;
  readonly lost: readonly number[];
  /** All that the pipe has. */
  readonly read: () => string;
  /** Reads until the lines that were lost are told of, or everything up to this line has come. */
  readonly readAll: (last?: string) => Promise<string>;
}

/** A pipe that is not read until the test does. */
function startRig(t: TestContext): Rig {
  const folder = mkdtempSync(join(tmpdir(), "seamless-"));
  const path = join(folder, "pipe");
  execFileSync("mkfifo", [path]);
  const descriptor = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  t.after(() => {
    closeSync(descriptor);
    rmSync(folder, { recursive: true });
  });
  const lost: number[] = [];
  const sink = new LogSink({ descriptor, lost: (lines) => void lost.push(lines) });
  const buffer = Buffer.alloc(65_536);
  const read = (): string => {
    let text = "";
    for (;;) {
      try {
        text += buffer.toString("utf8", 0, readSync(descriptor, buffer));
      } catch {
        return text;
      }
    }
  };
  const readAll = async (last?: string): Promise<string> => {
    const deadline = performance.now() + 10_000;
    for (let text = read(); ; text += read()) {
      if (last === undefined ? lost.length > 0 : text.endsWith(last)) return text;
      assert.ok(performance.now() < deadline, text.slice(-200));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  return { sink, lost, read, readAll };
}

const numbered = (count: number, width = 200): string[] =>
  Array.from({ length: count }, (_, i) => `${"x".repeat(width)} ${i}\n`);

test("a line is written at once", (t) => {
  const { sink, read } = startRig(t);
  sink.write("a\n");
  sink.write("b\n");
  assert.equal(read(), "a\nb\n");
});

test("what a pipe does not take is kept, in order and in whole lines, until it is read", async (t) => {
  const { sink, lost, readAll } = startRig(t);
  // Of those over 4,096 bytes a pipe takes a part.
  const lines = [...numbered(1_000), ...numbered(100, 10_000)];
  for (const line of lines) sink.write(line);
  assert.equal(await readAll(lines.at(-1) ?? ""), lines.join(""));
  sink.write("after\n");
  assert.equal(await readAll("after\n"), "after\n");
  assert.deepEqual(lost, []);
});

test("beyond a limit lines are lost, and their number is told when the pipe is read again", async (t) => {
  const { sink, lost, readAll } = startRig(t);
  const lines = numbered(60_000);
  for (const line of lines) sink.write(line);
  assert.deepEqual(lost, []);
  const text = await readAll();
  const got = text.split("\n").length - 1;
  assert.ok(text.length >= 8_000_000 && text.length < 9_000_000, String(text.length));
  assert.equal(text, lines.slice(0, got).join(""));
  assert.deepEqual(lost, [lines.length - got]);
});

test("one that has gone away is no reason to end", (t) => {
  const descriptor = openSync("/dev/full", constants.O_WRONLY);
  t.after(() => closeSync(descriptor));
  const sink = new LogSink({ descriptor, lost: () => undefined });
  sink.write("a\n");
  sink.flush();
});

test("at the end of the process a pipe that nobody reads is not waited for long", (t) => {
  const { sink } = startRig(t);
  for (const line of numbered(1_000)) sink.write(line);
  const startedMs = performance.now();
  sink.flush();
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs >= 400 && tookMs < 5_000, String(tookMs));
});
