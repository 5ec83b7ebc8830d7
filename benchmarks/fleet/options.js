import { parseArgs } from "node:util";

export const USAGE = `node benchmarks/fleet.js [options]
  --proxies A,B,C    how many proxies there are, one measurement after the other (default 1,10,25,50)
  --changes N        how many changes are followed with each (default 100)
  --pause MS         between them (default 1000)
  --seconds N        how long changes are made one after the other, for the rate (default 5)
  --json             every single figure instead of a table
  --table FILE       the table of a result that was made by --json`;

/** The command line as settings; throws a TypeError that says what is wrong with it. */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      proxies: { type: "string", default: "1,10,25,50" },
      changes: { type: "string", default: "100" },
      pause: { type: "string", default: "1000" },
      seconds: { type: "string", default: "5" },
      json: { type: "boolean", default: false },
      table: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const proxies = values.proxies.split(",").map((text) => count("proxies", text));
  if (proxies.some((size, i) => size < (proxies[i - 1] ?? 0)))
    throw new TypeError("--proxies are to be more from one number to the next");
  const [changes, pause, seconds] = ["changes", "pause", "seconds"].map((name) => count(name, values[name]));
  return { ...values, proxies, changes, pause, seconds };
}

function count(name, text) {
  if (!/^[1-9]\d{0,3}$/.test(text))
    throw new TypeError(`--${name}: '${text}' is not a number from 1 to 9999`);
  return Number(text);
}
