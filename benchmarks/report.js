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
    results: results.flatMap(({ workload, measured }) =>
      workload.figures.map(({ name, unit }, figure) => ({
        workload: name,
        unit,
        contenders: contenders.map((_, contender) => column(measured, contender, figure)),
      })),
    ),
  };
}

/** One contender's values of one figure; null for work that it does not do. */
function column(measured, contender, figure) {
  if (measured[0][contender] === undefined) return null;
  const values = measured.map((round) => round[contender][figure]);
  const first = measured[0][0];
  const medianRatio = first ? median(measured.map((round, i) => values[i] / round[0][figure])) : undefined;
  return { values, median: median(values), medianRatio };
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

function cell(column, index) {
  if (column === null) return "";
  const { median: value, medianRatio } = column;
  const shown = value < 1 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0);
  return index === 0 || medianRatio === undefined ? shown : `${shown} (${medianRatio.toFixed(2)})`;
}
