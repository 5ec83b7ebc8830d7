import { END_CAUSES, type EndCause } from "./engine.js";

/** A counter for each cause of an end. */
export function endsOf(count: (cause: EndCause, index: number) => number): Record<EndCause, number> {
  return Object.fromEntries(END_CAUSES.map((cause, index) => [cause, count(cause, index)])) as Record<
    EndCause,
    number
  >;
}

/** The same, at zero. */
export const noEnds = (): Record<EndCause, number> => endsOf(() => 0);
