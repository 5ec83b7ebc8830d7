import type { Context } from "./context.js";
import { toJsonLine } from "./json.js";
import { oneLine } from "./one-line.js";

/** Something that is under way, as it is told in each of the ways. */
export interface Step {
  /** What a person reads; asked again as time passes. */
  readonly text: (nowMs: number) => string;
  /** Steps of the same gist are worth one line where lines stay. */
  readonly gist: string;
  /** The same for programs. */
  readonly json: object;
}

export interface Progress {
  show(step: Step): void;
  /** No step comes any more. */
  end(): void;
}

const REFRESH_MS = 1_000;
const ERASE_LINE = "\r\u001b[K";
/** A line that is wider than the terminal is cut off: wrapped, it could not be written over. */
const [NO_WRAP, WRAP] = ["\u001b[?7l", "\u001b[?7h"];

type Means = Pick<Context, "stdout" | "stderr" | "isTerminal" | "clock">;

/**
 * One JSON object per step on stdout; or, on stderr, one line that is written over on a terminal, and one line per
 * gist anywhere else.
 */
export function createProgress(means: Means, output: "table" | "json"): Progress {
  if (output === "json") return createJsonLines(means);
  return means.isTerminal ? createLiveLine(means) : createLines(means);
}

function createJsonLines({ stdout }: Means): Progress {
  return { show: ({ json }) => void stdout.write(toJsonLine(json)), end: () => undefined };
}

function createLines({ stderr, clock }: Means): Progress {
  let last: string | undefined;
  return {
    show({ gist, text }) {
      if (gist !== last) stderr.write(`${oneLine(text(clock.nowMs()))}\n`);
      last = gist;
    },
    end: () => undefined,
  };
}

function createLiveLine({ stderr, clock }: Means): Progress {
  let present: Step | undefined;
  const draw = (): void => {
    if (present) stderr.write(`${ERASE_LINE}${NO_WRAP}${oneLine(present.text(clock.nowMs()))}${WRAP}`);
  };
  const stop = clock.every(REFRESH_MS, draw);
  return {
    show(step) {
      present = step;
      draw();
    },
    end() {
      stop();
      if (present) stderr.write(ERASE_LINE);
      present = undefined;
    },
  };
}
