import { cpus, release } from "node:os";

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** All that was measured, and where: what `--json` prints. A ratio is to the first contender in the same round. */
export function summary(results, contenders, { rounds, seconds }) {
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus()[0]?.model.trim()}, ${cpus().length} cores, Linux ${release()}`,
    rounds,
    seconds,
    contenders: contenders.map(({ name, version }) => ({ name, version: version() })),
    results: results.map(({ workload, figures }) => ({
      workload: workload.name,
      unit: workload.unit,
      contenders: contenders.map((_, i) => column(figures, i)),
    })),
  };
}

function column(figures, index) {
  const values = figures.map((round) => round[index]);
  const ratios = figures.map((round) => round[index] / round[0]);
  return { values, median: median(values), medianRatio: median(ratios) };
}

export function markdown({ date, machine, rounds, seconds, contenders, results }) {
  const head = ["", ...contenders.map(({ name }) => name)];
  const rows = results.map(({ workload, unit, contenders: columns }) => [
    `${workload} (${unit})`,
    ...columns.map(cell),
  ]);
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  const versions = contenders.map(({ version }) => version).join("; ");
  const method = `${rounds} rounds of ${seconds} s, medians (median ratio to the first)`;
  return `${lines.join("\n")}\n\n${date}; ${machine}; ${versions}; ${method}.`;
}

function cell({ median: value, medianRatio }, index) {
  const shown = value < 100 ? value.toFixed(1) : value.toFixed(0);
  return index === 0 ? shown : `${shown} (${medianRatio.toFixed(2)})`;
}
