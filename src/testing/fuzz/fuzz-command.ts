import { register } from "node:module";
import { parseArgs } from "node:util";
import { attempt } from "./attempt.js";
import { installBlockCounters } from "./block-counters.js";
import { fuzz, type FuzzReport } from "./fuzz-loop.js";
import type { FuzzTarget } from "./fuzz-target.js";
import { smallest } from "./smallest.js";
import { startWatchdog } from "./watchdog.js";

const USAGE = "node fuzz-command.js [--target NAME]... [--runs N] [--seconds S] [--slow MS] [--seed N]";

const { values } = parseArgs({
  options: {
    target: { type: "string", multiple: true, default: [] },
    runs: { type: "string", default: "1000000" },
    seconds: { type: "string", default: "900" },
    slow: { type: "string", default: "100" },
    seed: { type: "string", default: String(Date.now() % 2 ** 32) },
  },
});
const [runs, seconds, slowMs, seed] = [values.runs, values.seconds, values.slow, values.seed].map(Number);

const counters = installBlockCounters();
register("./module-hooks.js", import.meta.url);
const { FUZZ_TARGETS } = await import("./targets.js");
const names = FUZZ_TARGETS.map(({ name }) => name);
const unknown = values.target.find((name) => !names.includes(name));
if (unknown !== undefined || ![runs, seconds, slowMs, seed].every(Number.isSafeInteger)) {
  process.stderr.write(`usage: ${USAGE}\ntargets: ${names.join(", ")}\n`);
  process.exit(2);
}

const watchdog = startWatchdog();
const { stackTraceLimit } = Error;
process.stdout.write(`seed ${seed}\n`);
for (const target of FUZZ_TARGETS) {
  if (values.target.length > 0 && !values.target.includes(target.name)) continue;
  const limits = { runs: runs ?? 0, limitMs: (seconds ?? 0) * 1_000, slowMs: slowMs ?? 0 };
  // Most inputs are refused by an error, or many, whose stacks would take more time than all the rest.
  Error.stackTraceLimit = 0;
  const report = await fuzz(target, { counters, seed: seed ?? 0, ...limits, beforeRun: watchdog.beforeRun });
  Error.stackTraceLimit = stackTraceLimit;
  process.stdout.write(`${describe(target, report)}\n`);
  if (report.finding) {
    process.exitCode = 1;
    await tellFinding(target, report.finding);
  }
}
await watchdog.close();

function describe({ name }: FuzzTarget, report: FuzzReport): string {
  const { durationMs, corpus, blocks, slowestMs, finding } = report;
  const perSecond = Math.round(report.runs / (durationMs / 1_000));
  const how = `${report.runs} inputs, ${(durationMs / 1_000).toFixed(1)} s, ${perSecond}/s`;
  const reached = `${blocks} blocks, ${corpus} kept, slowest ${slowestMs.toFixed(1)} ms`;
  return `${finding ? "FOUND" : "ok"} ${name}: ${how}, ${reached}`;
}

async function tellFinding(target: FuzzTarget, { run, input, error }: NonNullable<FuzzReport["finding"]>) {
  const least = await smallest(target, input, slowMs ?? 0);
  const text = least.toString(target.encoding);
  // Once more, for its stack.
  const again = await Promise.resolve()
    .then(() => attempt(target, text))
    .then(() => error)
    .catch((caught: unknown) => caught);
  const what = again instanceof Error ? (again.stack ?? again.message) : String(again);
  process.stdout.write(`run ${run}: ${what}\ninput, made small: ${JSON.stringify(text)}\n`);
}
