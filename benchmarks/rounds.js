import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePorts } from "./support/programs.js";

/** What a program does after its start (compiling, the first collections) is not the work's. */
const SETTLE_MS = 500;

/**
 * All rounds of one workload: `measured[round][contender]` are its figures, undefined for one it is not for. Leaves no
 * process and no file behind.
 */
export async function measureWorkload(workload, contenders, settings) {
  const folder = mkdtempSync(join(tmpdir(), "seamless-bench-"));
  const backend = await workload.startBackend(folder);
  try {
    const measured = [];
    for (let round = 0; round < settings.rounds; round++)
      measured.push(
        await playRound({ workload, contenders, backendPorts: backend.ports, folder, round, settings }),
      );
    return measured;
  } finally {
    await backend.stop();
    rmSync(folder, { recursive: true });
  }
}

/**
 * Fresh processes for each round, all started at once and then measured one after another while the rest are idle.
 * Each round begins with another one, so that none is always the first after the start.
 */
async function playRound({ workload, contenders, backendPorts, folder, round, settings }) {
  const ports = await freePorts(contenders.length);
  const starts = contenders.map((contender, i) => contender.start({ port: ports[i], backendPorts, folder }));
  const started = await Promise.allSettled(starts);
  try {
    const proxies = await Promise.all(starts);
    await delay(SETTLE_MS);
    const figures = [];
    for (let turn = 0; turn < proxies.length; turn++) {
      const i = (turn + round) % proxies.length;
      if (workload.isFor && !workload.isFor(proxies[i])) continue;
      figures[i] = await measureOne(workload, { ...proxies[i], port: ports[i], backendPorts }, settings);
      tell(workload, contenders[i], figures[i]);
    }
    return figures;
  } finally {
    await Promise.all(started.map(({ value }) => value?.stop()));
  }
}

async function measureOne(workload, proxy, { seconds, warmUpSeconds }) {
  if (workload.warmsUp) await workload.measure({ ...proxy, seconds: warmUpSeconds });
  return workload.measure({ ...proxy, seconds });
}

function tell(workload, contender, figures) {
  for (const [k, { name, unit }] of workload.figures.entries())
    process.stderr.write(`${name}: ${contender.name} ${figures[k].toFixed(1)} ${unit}\n`);
}
