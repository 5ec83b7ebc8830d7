import assert from "node:assert/strict";
import { test } from "node:test";
import { createProgress, type Step } from "./progress.js";

interface Bench {
  readonly show: (step: Step) => void;
  readonly end: () => void;
  readonly stdout: string[];
  readonly stderr: string[];
  /** A second passes. */
  readonly tick: () => void;
  readonly ticking: () => boolean;
}

function bench(isTerminal: boolean, output: "table" | "json" = "table"): Bench {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  let [nowMs, stopped] = [0, true];
  let call: (() => void) | undefined;
  const clock = {
    nowMs: () => nowMs,
    every(intervalMs: number, given: () => void) {
      assert.equal(intervalMs, 1_000);
      [call, stopped] = [given, false];
      return () => void (stopped = true);
    },
  };
  const means = {
    stdout: { write: (text: string) => stdout.push(text) },
    stderr: { write: (text: string) => stderr.push(text) },
    isTerminal,
    clock,
  };
  const tick = (): void => {
    nowMs += 1_000;
    if (!stopped) call?.();
  };
  return { ...createProgress(means, output), stdout, stderr, tick, ticking: () => !stopped };
}

const step = (gist: string): Step => ({ gist, json: { gist }, text: (nowMs) => `${gist} for ${nowMs} ms` });
const live = (text: string): string => `\r\u001b[K\u001b[?7l${text}\u001b[?7h`;

test("on a terminal a line is written over, with each step and each second, and erased once at the end", () => {
  const { show, end, tick, stdout, stderr, ticking } = bench(true);
  show(step("a"));
  tick();
  show(step("b"));
  end();
  end();
  tick();
  assert.deepEqual(stderr, [live("a for 0 ms"), live("a for 1000 ms"), live("b for 1000 ms"), "\r\u001b[K"]);
  assert.deepEqual([stdout, ticking()], [[], false]);
});

test("on a terminal nothing is written before the first step, nor for none", () => {
  const { end, tick, stderr } = bench(true);
  tick();
  end();
  assert.deepEqual(stderr, []);
});

test("where lines stay there is one per gist, and none for time that passes", () => {
  const { show, end, tick, stdout, stderr, ticking } = bench(false);
  show(step("a"));
  tick();
  show(step("a"));
  show(step("b"));
  show(step("a"));
  end();
  assert.deepEqual(stderr, ["a for 0 ms\n", "b for 1000 ms\n", "a for 1000 ms\n"]);
  assert.deepEqual([stdout, ticking()], [[], false]);
});

for (const isTerminal of [true, false])
  test(`for programs each step is an object on stdout, ${isTerminal ? "also" : "not only"} on a terminal`, () => {
    const { show, end, tick, stdout, stderr } = bench(isTerminal, "json");
    show(step("a"));
    tick();
    show(step("a"));
    end();
    assert.deepEqual([stdout, stderr], [['{"gist":"a"}\n', '{"gist":"a"}\n'], []]);
  });

test("what a backend says stays on the line, and can't command the terminal", () => {
  const [terminal, lines] = [bench(true), bench(false)];
  for (const { show } of [terminal, lines]) show(step("down\r\n\u001b[2Jwhy"));
  assert.deepEqual(terminal.stderr, [live("down [2Jwhy for 0 ms")]);
  assert.deepEqual(lines.stderr, ["down [2Jwhy for 0 ms\n"]);
});
