// Measures the contenders on the same work, in turn, in one run. See README.md.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { haproxy } from "./contenders/haproxy.js";
import { nginxStream } from "./contenders/nginx-stream.js";
import { plainPipe } from "./contenders/plain-pipe.js";
import { seamlessNode } from "./contenders/seamless.js";
import { markdown } from "./report.js";
import { freePort } from "./support/programs.js";
import { downloads, uploads } from "./workloads/bulk.js";
import { newConnections, smallRequests } from "./workloads/http.js";
import { idleMemory } from "./workloads/idle.js";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "3" },
    only: { type: "string", default: "" },
    json: { type: "boolean", default: false },
  },
});
const settings = { rounds: Number(values.rounds), seconds: Number(values.seconds) };

const contenders = [plainPipe, seamlessNode, haproxy, nginxStream].filter((contender) => contender.isThere());
const workloads = [newConnections, smallRequests, downloads, uploads, idleMemory].filter(
  (workload) => workload.isThere() && workload.name.includes(values.only),
);

const results = [];
for (const workload of workloads) {
  const folder = mkdtempSync(join(tmpdir(), "seamless-bench-"));
  const backend = await workload.startBackend(folder);
  const rounds = [];
  for (let round = 0; round < settings.rounds; round++)
    rounds.push(await playRound(workload, backend, folder));
  await backend.stop();
  rmSync(folder, { recursive: true });
  results.push({ workload, rounds });
}

if (values.json)
  console.log(JSON.stringify(results.map(({ workload, rounds }) => ({ workload: workload.name, rounds }))));
else console.log(markdown(results, contenders, settings));

/** Each contender does the work once, one after another; a fresh process each, settled and warmed up for a second. */
async function playRound(workload, backend, folder) {
  const figures = [];
  for (const contender of contenders) {
    const port = await freePort();
    const proxy = await contender.start({ port, backendPort: backend.port, folder });
    await delay(1_000);
    if (workload !== idleMemory) await workload.measure({ port, pid: proxy.pid, seconds: 1 });
    figures.push(await workload.measure({ port, pid: proxy.pid, seconds: settings.seconds }));
    process.stderr.write(
      `${workload.name}: ${contender.name} ${figures.at(-1).toFixed(1)} ${workload.unit}\n`,
    );
    await proxy.stop();
  }
  return figures;
}
