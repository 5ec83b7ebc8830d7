import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePorts } from "./support/programs.js";

/** What a program does after its start (compiling, the first collections) is not the work's. */
const SETTLE_MS = 500;

/** All rounds of one workload: `figures[round][contender]`. Leaves no process and no file behind. */
export async function measureWorkload(workload, contenders, { rounds, seconds, warmUpSeconds }) {
  const folder = mkdtempSync(join(tmpdir(), "seamless-bench-"));
  const backend = await workload.startBackend(folder);
  try {
    const figures = [];
    for (let round = 0; round < rounds; round++)
      figures.push(
        await playRound({
          workload,
          contenders,
          backendPort: backend.port,
          folder,
          seconds,
          warmUpSeconds,
          round,
        }),
      );
    return figures;
  } finally {
    await backend.stop();
    rmSync(folder, { recursive: true });
  }
}

/**
 * Fresh processes for each round, all started at once and then measured one after another while the rest are idle.
 * Each round begins with another one, so that none is always the first after the start.
 */
async function playRound({ workload, contenders, backendPort, folder, seconds, warmUpSeconds, round }) {
  const ports = await freePorts(contenders.length);
  const starts = contenders.map((contender, i) => contender.start({ port: ports[i], backendPort, folder }));
  const started = await Promise.allSettled(starts);
  try {
    const proxies = await Promise.all(starts);
    await delay(SETTLE_MS);
    const figures = [];
    for (let turn = 0; turn < proxies.length; turn++) {
      const i = (turn + round) % proxies.length;
      const [{ pid }, port] = [proxies[i], ports[i]];
      if (workload.warmsUp) await workload.measure({ port, pid, seconds: warmUpSeconds });
      const figure = await workload.measure({ port, pid, seconds });
      process.stderr.write(`${workload.name}: ${contenders[i].name} ${figure.toFixed(1)} ${workload.unit}\n`);
      figures[i] = figure;
    }
    return figures;
  } finally {
    await Promise.all(started.map(({ value }) => value?.stop()));
  }
}
