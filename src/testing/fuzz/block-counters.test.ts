import assert from "node:assert/strict";
import { test } from "node:test";
import { installBlockCounters, instrument } from "./block-counters.js";

const counters = installBlockCounters();

/** The function that a module exports as `parse`, with counters from the first one on. */
async function load(source: string): Promise<(text: string) => unknown> {
  const { text } = instrument(source, { first: 0, tellsWords: true });
  const module = (await import(`data:text/javascript,${encodeURIComponent(text)}`)) as {
    parse: (text: string) => unknown;
  };
  return module.parse;
}

const SOURCE = `
import { basename } from "node:path";
class Base { constructor(x) { this.x = x; } }
class Own extends Base { constructor(x) { super(x); } /* { */ get twice() { return this.x + this.x; } }
const short = (text) => ({ length: text.length });
export function parse(text) {
  if (text === "a") return 1; // {
  else if (text === "b") for (const c of text) if (c === "b") return c;
  switch (text) {
    case "c":
    case "d": { return "cd"; }
    case "e":
      const word = "e";
      return word + word;
    default:
      text += "";
  }
  try {
    if (text.startsWith("!")) throw new TypeError("no");
  } catch { return "caught"; } finally { text = text ?? "never"; }
  do text = text.slice(0, -1); while (text.length > 5);
  const own = new Own(text).twice || "empty";
  return text.length > 3 ? basename(own) : text.length === 0 && short(text).length === 0 ? own : [own, short(text)];
}
`;
const { parse: plain } = (await import(`data:text/javascript,${encodeURIComponent(SOURCE)}`)) as {
  parse: (text: string) => unknown;
};

test("instrumented code does what it did", async () => {
  const parse = await load(SOURCE);
  for (const text of ["a", "b", "c", "d", "e", "f", "", "!", "fg", "long/er and longer", "0123456"])
    assert.deepEqual(parse(text), plain(text), text);
});

test("each way through the code has counts of its own", async () => {
  const parse = await load(SOURCE);
  const ways = ["a", "b", "c", "e", "f", "fg", "!", "fghi/jk"].map((text) => {
    counters.counts.fill(0);
    parse(text);
    return counters.counts.subarray(0, counters.blocks).join();
  });
  assert.equal(new Set(ways).size, ways.length);
});

test("the words of the code are known, but not the names of what it imports", async () => {
  await load(SOURCE);
  const words = counters.words.map(([word]) => word);
  for (const word of ["caught", "a", "5"]) assert.ok(words.includes(word), word);
  assert.ok(!words.includes("node:path"));
});

test("what the errors of instrumented code say of lines stays right", () => {
  const { text } = instrument('"use strict";\n\nexport const a = (b) => b.c;\n', {
    first: 0,
    tellsWords: true,
  });
  assert.match(text.split("\n")[2] ?? "", /export const a/);
});
