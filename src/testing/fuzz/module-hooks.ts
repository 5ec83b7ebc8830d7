import type { LoadHookContext } from "node:module";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { instrument } from "./block-counters.js";

/** What is read by hand: our own code, and the YAML library. The schemas of zod are data, whose blocks say nothing. */
const COUNTED = /\/src\/dist\/|\/node_modules\/yaml\//;
const NOT_COUNTED = /\.test\.js$|\/testing\//;

interface Loaded {
  readonly format: string;
  readonly source?: unknown;
}

let blocks = 0;

/** Node's hook for what is loaded, in a thread of its own. */
export async function load(
  url: string,
  context: LoadHookContext,
  next: (url: string, context: LoadHookContext) => Promise<Loaded>,
): Promise<Loaded> {
  const loaded = await next(url, context);
  const isScript = loaded.format === "module" || loaded.format === "commonjs";
  if (!isScript || !COUNTED.test(url) || NOT_COUNTED.test(url)) return loaded;
  // Of a library's words there are hundreds, among which ours would be lost.
  const tellsWords = !url.includes("/node_modules/");
  const source = await readFile(fileURLToPath(url), "utf8");
  const instrumented = instrument(source, { first: blocks, tellsWords });
  blocks += instrumented.blocks;
  return { ...loaded, source: instrumented.text };
}
