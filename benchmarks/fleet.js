// Measures how a change spreads over a fleet of proxies that share their list in etcd. See README.md.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEtcd } from "./fleet/etcd.js";
import { startMember } from "./fleet/member.js";
import { readOptions, USAGE } from "./fleet/options.js";
import { measureRate } from "./fleet/rate.js";
import { markdown, summary } from "./fleet/report.js";
import { measureSpread } from "./fleet/spread.js";
import { isInstalled } from "./support/programs.js";

/** Each takes a second of CPU to start. */
const STARTED_AT_ONCE = 4;

try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) console.log(USAGE);
  else if (options.table) console.log(markdown(JSON.parse(readFileSync(options.table, "utf8"))));
  else if (!isInstalled("etcd")) throw new TypeError("etcd is not installed");
  else await measure(options);
} catch (error) {
  if (!(error instanceof TypeError)) throw error;
  console.error(`${error.message}\n${USAGE}`);
  process.exitCode = 2;
}

/** The fleet grows from one size to the next, and is measured at each. */
async function measure(options) {
  const folder = mkdtempSync(join(tmpdir(), "seamless-bench-"));
  const started = [];
  try {
    const etcd = await startEtcd(folder);
    started.push(etcd);
    const members = [];
    const fleets = [];
    for (const size of options.proxies) {
      await grow(members, size, started, { store: etcd.store, folder });
      fleets.push(await measureFleet(members, etcd, options));
    }
    const report = summary(fleets, etcd, options);
    console.log(options.json ? JSON.stringify(report, null, 2) : markdown(report));
  } finally {
    await Promise.all(started.slice(1).map((each) => each.stop()));
    await started[0]?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function grow(members, size, started, where) {
  while (members.length < size) {
    const count = Math.min(STARTED_AT_ONCE, size - members.length);
    const names = Array.from({ length: count }, (_, i) => `proxy${members.length + i}`);
    const starting = names.map(async (name) => {
      const member = await startMember({ ...where, name });
      started.push(member);
      return member;
    });
    members.push(...(await Promise.all(starting)));
    process.stderr.write(`${members.length} of ${size} proxies\r`);
  }
}

async function measureFleet(members, etcd, { changes, pause, seconds }) {
  const clients = members.slice(0, 2).map(({ client }) => client);
  const spread = await measureSpread(members, etcd, { changes, pauseMs: pause });
  const rates = [];
  for (const callers of [clients.slice(0, 1), clients])
    if (callers.length > rates.length) rates.push(await measureRate(members, callers, seconds));
  process.stderr.write(`${members.length} proxies: measured\n`);
  return { proxies: members.length, spread, rates };
}
