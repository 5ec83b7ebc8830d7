import { parseArgs } from "node:util";

export const USAGE = `npm run bench -- [options]
  --rounds N         how often each contender does each work (default 3)
  --seconds N        how long it does it each time, whole seconds (default 2)
  --warm-up N        how long before that, where the work has a warm-up (default 1)
  --only TEXT        only the work whose name contains TEXT
  --contenders A,B   only these, in this order; ratios are to the first (default: all that are installed)
  --other NAME=COMMAND   another proxy, with {port} and {backends} in its command line; may be repeated
  --json             every figure instead of a table`;

/** The command line as settings; throws a TypeError that says what is wrong with it. */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: "string", default: "3" },
      seconds: { type: "string", default: "2" },
      "warm-up": { type: "string", default: "1" },
      only: { type: "string", default: "" },
      contenders: { type: "string" },
      other: { type: "string", multiple: true, default: [] },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  return {
    ...values,
    rounds: count("rounds", values.rounds),
    seconds: count("seconds", values.seconds),
    warmUpSeconds: count("warm-up", values["warm-up"]),
  };
}

function count(name, text) {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new TypeError(`--${name} is a number from 1 to 999, not '${text}'`);
  return Number(text);
}

/** The named ones, or all; those that are not installed are left out if nobody asked for them. */
export function choose(contenders, names) {
  if (names === undefined) return contenders.filter((contender) => contender.isThere());
  return names.split(",").map((name) => {
    const contender = contenders.find(({ id }) => id === name);
    if (!contender)
      throw new TypeError(`no contender '${name}': there are ${contenders.map(({ id }) => id).join()}`);
    if (!contender.isThere()) throw new TypeError(`${contender.name} is not installed`);
    return contender;
  });
}
