import { cpus, release } from "node:os";

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Median and, in brackets, the median of the ratios to the first contender, each taken within one round. */
export function markdown(results, contenders, { rounds, seconds }) {
  const head = ["", ...contenders.map(({ name }) => name)];
  const rows = results.map(({ workload, rounds: perRound }) => [
    `${workload.name} (${workload.unit})`,
    ...contenders.map((_, i) => cell(perRound, i)),
  ]);
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  const versions = contenders.map(({ version }) => version()).join("; ");
  const machine = `${cpus()[0]?.model.trim()}, ${cpus().length} cores, Linux ${release()}`;
  const date = new Date().toISOString().slice(0, 10);
  return `${lines.join("\n")}\n\n${date}; ${machine}; ${versions}; ${rounds} rounds of ${seconds} s, medians (ratio to the first).\n`;
}

function cell(perRound, index) {
  const values = perRound.map((round) => round[index]);
  const ratio = median(perRound.map((round) => round[index] / round[0]));
  const value = median(values);
  const shown = value < 100 ? value.toFixed(1) : value.toFixed(0);
  return index === 0 ? shown : `${shown} (${ratio.toFixed(2)})`;
}
