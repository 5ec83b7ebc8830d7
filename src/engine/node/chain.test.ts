import assert from "node:assert/strict";
import { test } from "node:test";
import { Chain, type Link } from "./chain.js";

function chainOf(...members: string[]): { chain: Chain<string>; links: Map<string, Link<string>> } {
  const chain = new Chain<string>();
  return { chain, links: new Map(members.map((member) => [member, chain.add(member)])) };
}

const ORDERS = ["abc", "acb", "bac", "bca", "cab", "cba"];

for (const order of ORDERS) {
  test(`members taken out in the order ${order} leave the others in theirs, and point nowhere`, () => {
    const { chain, links } = chainOf("a", "b", "c");
    let left = "abc";
    for (const member of order) {
      const link = links.get(member);
      assert.ok(link);
      chain.remove(link);
      left = left.replace(member, "");
      assert.deepEqual(Array.from(chain), Array.from(left));
      assert.equal(chain.size, left.length);
      assert.deepEqual([link.before, link.after], [undefined, undefined]);
    }
  });
}

test("a chain that was empty is filled again", () => {
  const { chain, links } = chainOf("a");
  const link = links.get("a");
  assert.ok(link);
  chain.remove(link);
  chain.add("b");
  chain.add("a");
  assert.deepEqual([...chain], ["b", "a"]);
});
