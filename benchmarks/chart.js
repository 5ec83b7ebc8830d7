// Draws what `npm run bench -- --json` has printed: node benchmarks/chart.js RESULT.json > CHART.svg
//
// One group of bars per figure, one bar per contender, as multiples of the first contender's median, so that figures of
// different units stand beside each other. Shorter is better.
import { readFileSync } from "node:fs";

const COLOURS = ["#8a8f98", "#bcc2cb", "#1f6feb", "#79b8ff", "#e0a458", "#c96f4a", "#7a5195"];
const LABEL_WIDTH = 330;
const PLOT_WIDTH = 460;
const BAR_HEIGHT = 12;
const GROUP_GAP = 12;
const TOP = 44;
/** Bars are cut here, with their figure beside them: one that is far longer would flatten all others. */
const MOST = 3;

const { contenders, results, date, machine } = JSON.parse(readFileSync(process.argv[2], "utf8"));
console.log(draw());

function draw() {
  let y = TOP;
  const parts = [legend()];
  for (const result of results.filter(({ contenders: columns }) => columns[0]?.median != null)) {
    parts.push(group(result, y));
    y += result.contenders.filter(Boolean).length * BAR_HEIGHT + GROUP_GAP;
  }
  const x = LABEL_WIDTH + PLOT_WIDTH / MOST;
  parts.push(
    `<line x1="${x}" y1="${TOP - 6}" x2="${x}" y2="${y - GROUP_GAP + 4}" stroke="#666" stroke-dasharray="3 3"/>`,
  );
  parts.push(
    text(
      10,
      y + 10,
      `${date}; ${machine}; medians, relative to ${contenders[0].name}; shorter is better`,
      10,
    ),
  );
  const width = LABEL_WIDTH + PLOT_WIDTH + 130;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y + 20}" font-family="sans-serif" role="img">
<title>Cost of Seamless and other proxies</title>
<rect width="100%" height="100%" fill="#fff"/>
${parts.join("\n")}
</svg>`;
}

function legend() {
  let x = 10;
  return contenders
    .map(({ name }, i) => {
      const entry = `<rect x="${x}" y="12" width="10" height="10" fill="${COLOURS[i]}"/>${text(x + 14, 21, name, 11)}`;
      x += 26 + name.length * 6;
      return entry;
    })
    .join("\n");
}

function group({ workload, unit, contenders: columns }, top) {
  const shown = columns.flatMap((column, i) => (column?.median == null ? [] : [{ ...column, i }]));
  const bars = shown.map(({ median, i }, row) => {
    const ratio = median / columns[0].median;
    const y = top + row * BAR_HEIGHT;
    const width = (Math.min(ratio, MOST) * PLOT_WIDTH) / MOST;
    const figure = `${median < 10 ? median.toFixed(2) : median.toFixed(0)} ${unit}${ratio > MOST ? ` (× ${ratio.toFixed(1)})` : ""}`;
    return `<rect x="${LABEL_WIDTH}" y="${y}" width="${width.toFixed(1)}" height="${BAR_HEIGHT - 2}" fill="${COLOURS[i]}"/>${text(LABEL_WIDTH + width + 5, y + 9, figure, 9)}`;
  });
  return `${text(10, top + (shown.length * BAR_HEIGHT) / 2 + 3, workload, 12)}\n${bars.join("\n")}`;
}

function text(x, y, content, size) {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x.toFixed(1)}" y="${y}" font-size="${size}" fill="#222">${escaped}</text>`;
}
