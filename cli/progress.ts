import { setInterval } from "node:timers";
import type { Context } from "./context.js";
import { toJsonLine } from "./json.js";

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

/**
 * One JSON object per step on stdout; or, on stderr, one line that is written over on a terminal, and one line per
 * gist anywhere else.
 */
export function createProgress({ stdout, stderr, isTerminal }: Context, output: "table" | "json"): Progress {
  if (output === "json")
    return { show: ({ json }) => void stdout.write(toJsonLine(json)), end: () => undefined };
  return isTerminal ? createLiveLine(stderr) : createLines(stderr);
}

function createLines(stderr: Context["stderr"]): Progress {
  let last: string | undefined;
  return {
    show({ gist, text }) {
      if (gist !== last) stderr.write(`${text(Date.now())}\n`);
      last = gist;
    },
    end: () => undefined,
  };
}

function createLiveLine(stderr: Context["stderr"]): Progress {
  let present: Step | undefined;
  const draw = (): void => {
    if (present) stderr.write(`${ERASE_LINE}${present.text(Date.now())}`);
  };
  const timer = setInterval(draw, REFRESH_MS);
  return {
    show(step) {
      present = step;
      draw();
    },
    end() {
      clearInterval(timer);
      if (present) stderr.write(ERASE_LINE);
    },
  };
}
