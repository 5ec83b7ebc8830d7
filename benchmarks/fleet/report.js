import { cpus, release } from "node:os";

/** All that was measured, and where: what `--json` prints. */
export function summary(fleets, etcd, { proxies, changes, pause, seconds }) {
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus()[0]?.model.trim()}, ${cpus().length} cores, Linux ${release()}`,
    versions: `${etcd.version}; Node ${process.version}`,
    command: `node benchmarks/fleet.js --proxies ${proxies} --changes ${changes} --pause ${pause} --seconds ${seconds}`,
    fleets,
  };
}

/** The tables of docs/fleet.md. */
export function markdown({ date, machine, versions, command, fleets }) {
  const spread = [
    [
      "proxies",
      "answered",
      "applied by the last, from the request",
      "from the answer",
      "CPU of etcd",
      "of all proxies",
    ],
    ...fleets.map(({ proxies, spread: each }) => [
      proxies,
      pair(each.answerMs),
      pair(each.sinceRequestMs),
      pair(each.sinceAnswerMs),
      each.cpuMsPerChange.etcd.toFixed(1),
      each.cpuMsPerChange.proxies.toFixed(1),
    ]),
  ];
  const rates = [
    ["proxies", "changes per second through one", "each takes", "through two at once", "each takes"],
    ...fleets.map(({ proxies, rates: [one, two] }) => [proxies, ...rate(one), ...rate(two)]),
  ];
  const where = `${date}; ${machine}; ${versions}: \`${command}\`.`;
  return [table(spread), table(rates), where].join("\n\n");
}

const pair = ({ p50, p99 }) => `${p50.toFixed(0)}, ${p99.toFixed(0)}`;
const rate = (measured) => (measured ? [measured.perSecond.toFixed(0), pair(measured.latencyMs)] : ["", ""]);
const table = ([head, ...rows]) =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
