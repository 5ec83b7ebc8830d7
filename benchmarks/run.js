// Measures the contenders on the same work, in turn, in one run. See README.md.
import { haproxy } from "./contenders/haproxy.js";
import { nginxStream } from "./contenders/nginx-stream.js";
import { plainPipe } from "./contenders/plain-pipe.js";
import { otherContender } from "./contenders/other.js";
import { seamlessNative, seamlessNode, seamlessThreads } from "./contenders/seamless.js";
import { choose, readOptions, USAGE } from "./options.js";
import { markdown, summary } from "./report.js";
import { measureWorkload } from "./rounds.js";
import { downloads, uploads } from "./workloads/bulk.js";
import { listChanges } from "./workloads/changes.js";
import { manyBackends, manyConnections, newConnections, smallRequests } from "./workloads/http.js";
import { idleMemory } from "./workloads/idle.js";

const CONTENDERS = [haproxy, nginxStream, seamlessNative, seamlessThreads, seamlessNode, plainPipe];
const WORKLOADS = [
  newConnections,
  smallRequests,
  downloads,
  uploads,
  idleMemory,
  listChanges,
  ...manyConnections,
  ...manyBackends,
];

const plan = readPlan();
if (plan) await measureAll(plan);

/** What to do; undefined if there is nothing to do but to explain the options. */
function readPlan() {
  try {
    const options = readOptions(process.argv.slice(2));
    const all = [...CONTENDERS, ...options.other.map(otherContender)];
    if (!options.help) return { options, contenders: choose(all, options.contenders) };
    console.log(USAGE);
  } catch (error) {
    console.error(`${error.message}\n${USAGE}`);
    process.exitCode = 2;
  }
  return undefined;
}

async function measureAll({ options, contenders }) {
  const results = [];
  const isWanted = ({ figures }) => figures.some(({ name }) => name.includes(options.only));
  for (const workload of WORKLOADS.filter(isWanted)) {
    if (workload.isThere())
      results.push({ workload, measured: await measureWorkload(workload, contenders, options) });
    else process.stderr.write(`${workload.figures[0].name}: left out, needs wrk and nginx\n`);
  }
  const report = summary(results, contenders, options);
  console.log(options.json ? JSON.stringify(report, null, 2) : markdown(report));
}
