import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ProxyError } from "../errors.js";
import { addBackends, parseBackends, removeBackends, setBackends, type BackendList } from "./backend-list.js";

const parse = (...texts: string[]): ReturnType<typeof parseBackends> =>
  parseBackends(
    texts.map((text) => {
      const [address = "", weight] = text.split("=");
      return weight === undefined ? { address } : { address, weight: Number(weight) };
    }),
  );
const show = (list: BackendList): string[] =>
  list.map(({ id, weight }) => (weight === 1 ? id : `${id}=${weight}`));
const listOf = (...texts: string[]): BackendList => setBackends([], parse(...texts));
const refuses = (code: string) => (error: unknown) => error instanceof ProxyError && error.code === code;

test("Set replaces the whole list, in the order given", () => {
  assert.deepEqual(show(setBackends(listOf("a:1", "b:1"), parse("c:1", "a:1=5"))), ["c:1", "a:1=5"]);
});

test("an address given twice to Set counts once with its weights added", () => {
  assert.deepEqual(show(listOf("a:1", "b:1", "a:1", "b:1=3", "A:1")), ["a:1=3", "b:1=4"]);
});

test("Set with the same list is no change, with another order it is one", () => {
  const list = listOf("a:1", "b:1");
  assert.equal(setBackends(list, parse("a:1", "b:1")), list);
  assert.notEqual(setBackends(list, parse("b:1", "a:1")), list);
});

test("Add puts new backends at the end and leaves those that are there", () => {
  const list = listOf("a:1=3", "b:1");
  assert.deepEqual(show(addBackends(list, parse("a:1", "c:1=2"))), ["a:1=3", "b:1", "c:1=2"]);
  assert.equal(addBackends(list, parse("a:1", "b:1")), list);
  assert.equal(addBackends(list, parse("a:1=3")), list);
});

test("Add with another weight changes the weight in place", () => {
  assert.deepEqual(show(addBackends(listOf("a:1", "b:1"), parse("a:1=9"))), ["a:1=9", "b:1"]);
});

test("Remove takes out what is named, or nothing at all", () => {
  const list = listOf("a:1", "b:1", "c:1");
  assert.deepEqual(show(removeBackends(list, parse("c:1", "a:1"))), ["b:1"]);
  assert.throws(() => removeBackends(list, parse("a:1", "x:1")), refuses("BACKEND_NOT_FOUND"));
});

test("Remove of the last one leaves an empty list", () => {
  assert.deepEqual(removeBackends(listOf("a:1"), parse("a:1")), []);
});

test("weights outside 1 to 256 and empty requests are refused", () => {
  for (const weight of [0, -1, 257, 1.5, NaN]) {
    assert.throws(() => parseBackends([{ address: "a:1", weight }]), refuses("INVALID_ARGUMENT"));
  }
  assert.throws(() => parseBackends([]), refuses("INVALID_ARGUMENT"));
  assert.throws(() => listOf("a:1=200", "a:1=57"), refuses("INVALID_ARGUMENT"));
});

test("a list holds 1,024 backends and no more", () => {
  const many = Array.from({ length: 1025 }, (_, i) => `a:${i + 1}`);
  assert.equal(listOf(...many.slice(1)).length, 1024);
  assert.throws(() => listOf(...many), refuses("LIMIT_EXCEEDED"));
  assert.throws(() => addBackends(listOf(...many.slice(1)), parse("b:1")), refuses("LIMIT_EXCEEDED"));
});

const backend = fc.tuple(
  fc.constantFrom("a:1", "b:1", "c:1", "d:1"),
  fc.option(fc.integer({ min: 1, max: 3 })),
);
const step = fc.record({
  verb: fc.constantFrom("set" as const, "add" as const, "remove" as const),
  backends: fc.array(backend, { minLength: 1, maxLength: 4 }),
});

type Model = ReadonlyMap<string, number>;

/** What each verb does, said with a map that keeps insertion order; undefined: it is refused. */
const model: Record<string, (before: Model, wanted: ReturnType<typeof parse>) => Model | undefined> = {
  set: (_, wanted) => {
    const after = new Map<string, number>();
    for (const { id, weight = 1 } of wanted) after.set(id, (after.get(id) ?? 0) + weight);
    return after;
  },
  add: (before, wanted) => {
    const after = new Map(before);
    for (const { id, weight } of wanted) after.set(id, weight ?? after.get(id) ?? 1);
    return after;
  },
  remove: (before, wanted) => {
    if (!wanted.every(({ id }) => before.has(id))) return undefined;
    return new Map([...before].filter(([id]) => !wanted.some((leaving) => leaving.id === id)));
  },
};
const verbs = { set: setBackends, add: addBackends, remove: removeBackends };

test("any series of Set, Add and Remove agrees with a map that keeps insertion order, and each is idempotent", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      let list: BackendList = [];
      let expected: Model = new Map();
      for (const { verb, backends } of steps) {
        const wanted = parse(...backends.map(([id, weight]) => (weight === null ? id : `${id}=${weight}`)));
        const [before, after] = [list, model[verb]?.(expected, wanted)];
        if (after) {
          list = verbs[verb](before, wanted);
          expected = after;
          if (verb !== "remove") assert.equal(verbs[verb](list, wanted), list);
        } else assert.throws(() => verbs[verb](before, wanted), refuses("BACKEND_NOT_FOUND"));
        assert.deepEqual(
          list.map(({ id, weight }) => [id, weight]),
          [...expected],
        );
      }
    }),
  );
});
