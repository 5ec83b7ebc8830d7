import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const root = new URL("../../", import.meta.url);

/** Every event that a line of the source names, and those whose name has two parts there. */
function eventsOfSource(): Set<string> {
  const found = new Set(["service-created", "service-deleted"]);
  const names = readdirSync(new URL("src", root), { recursive: true, encoding: "utf8" });
  const sources = names.filter((name) => /^(?!dist\/).*(?<!\.test)\.ts$/.test(name));
  for (const name of sources) {
    const text = readFileSync(new URL(`src/${name}`, root), "utf8");
    for (const [, event = ""] of text.matchAll(/[{,]\s*event: "([a-z-]+)"/g)) found.add(event);
    for (const [, event = ""] of text.matchAll(/\blog\("\w+", "([a-z-]+)"/g)) found.add(event);
  }
  return found;
}

test("the page on logs names the events that there are, and no others", () => {
  const page = readFileSync(new URL("docs/logs.md", root), "utf8");
  const rows = Array.from(page.matchAll(/^\| (?:debug|info|warn|error|fatal) +\| ([^|]*)\|/gm));
  const named = rows.flatMap(([, cell = ""]) =>
    Array.from(cell.matchAll(/`([a-z-]+)`/g), ([, name = ""]) => name),
  );
  assert.deepEqual(named.sort(), [...eventsOfSource()].sort());
});
