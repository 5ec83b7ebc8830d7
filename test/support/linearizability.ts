import assert from "node:assert/strict";
import { answerOf, type ModelAnswer, type ModelRequest, type ModelState } from "./list-model.js";

/** A request as a client saw it. */
export interface Operation {
  readonly client: string;
  readonly request: ModelRequest;
  readonly outcome: Outcome;
  /** By the one clock of all clients. */
  readonly calledMs: number;
  readonly returnedMs: number;
}

export type Outcome =
  | ModelAnswer
  /** It was refused, and surely had no effect. */
  | { readonly kind: "refused" }
  /** It may take effect at any later time, or never. */
  | { readonly kind: "unknown" };

/** How far an order of the operations has come. */
interface Place {
  readonly state: ModelState;
  /** Operations that may come next, by their place in `calls`. */
  readonly open: readonly number[];
  /** The first that may not yet: something that is open was over before it was called. */
  readonly next: number;
}

/**
 * Looks for an order of the operations in which each takes effect between its call and its return, and all are answered
 * as the model answers them. That is the search of Wing and Gong, with Lowe's memory of where it has been: what comes
 * after depends on the state and on the operations still open only, so that no such place is left twice.
 *
 * Two things keep it short. What changes nothing and may come next does so at once, since whatever order there is stays
 * one if it is moved to the front. And an answer names its revision, so that of several changes just one fits next.
 *
 * @returns undefined if there is such an order; else where the longest one ends, and what does not fit there
 */
export function findAnomaly(history: readonly Operation[], start: ModelState): string | undefined {
  const calls = history
    .filter(({ outcome }) => outcome.kind !== "refused")
    .sort((a, b) => a.calledMs - b.calledMs);
  const seen = new Set<string>();
  const places: Place[] = [{ state: start, open: [], next: 0 }];
  let farthest: Place = { state: start, open: [], next: 0 };
  for (let place = places.pop(); place; place = places.pop()) {
    const here = withCalled(calls, place);
    if (doneAt(here) > doneAt(farthest)) farthest = here;
    if (here.next === calls.length && here.open.every((index) => isUnknown(calls[index]))) return undefined;
    for (const after of stepsFrom(calls, here)) {
      const key = JSON.stringify(after);
      if (!seen.has(key)) places.push(after);
      seen.add(key);
    }
  }
  return describe(calls, withCalled(calls, farthest));
}

export function assertLinearizable(history: readonly Operation[], start: ModelState): void {
  const anomaly = findAnomaly(history, start);
  assert.ok(anomaly === undefined, anomaly);
}

/** Opens what was called before anything that is open had returned. */
function withCalled(calls: readonly Operation[], { state, open: before, next: first }: Place): Place {
  const open = [...before];
  let earliestMs = Math.min(...open.map((index) => returnOf(calls[index])));
  let next = first;
  for (let call = calls[next]; call && call.calledMs <= earliestMs; call = calls[next]) {
    open.push(next++);
    earliestMs = Math.min(earliestMs, returnOf(call));
  }
  return { state, open, next };
}

/** Where one more operation leads, what is best tried first at the end. */
function stepsFrom(calls: readonly Operation[], { state, open, next }: Place): readonly Place[] {
  const uncertain: Place[] = [];
  const certain: Place[] = [];
  for (const index of open) {
    const call = calls[index];
    if (!call) continue;
    const { answer, next: after } = answerOf(state, call.request);
    const rest = { state: after, open: open.filter((other) => other !== index), next };
    // One that had no effect need not come at all.
    if (isUnknown(call)) {
      if (after !== state) uncertain.push(rest);
    } else if (isSame(answer, call.outcome)) {
      if (after === state) return [rest];
      certain.push(rest);
    }
  }
  return [...uncertain, ...certain];
}

const isUnknown = (call: Operation | undefined): boolean => call?.outcome.kind === "unknown";
const returnOf = (call: Operation | undefined): number =>
  call && !isUnknown(call) ? call.returnedMs : Infinity;
const doneAt = ({ next, open }: Place): number => next - open.length;

function isSame(a: ModelAnswer, b: Outcome): boolean {
  return a.kind === b.kind && gist(a) === gist(b);
}

function gist(answer: Outcome): string {
  if (answer.kind !== "done") return JSON.stringify(Object.entries(answer).sort());
  const { changed, state } = answer;
  return `${changed} ${formatState(state)}`;
}

function formatState({ revision, backends }: ModelState): string {
  const list = backends.map(({ address, weight }) => (weight === 1 ? address : `${address}=${weight}`));
  return `revision ${revision} [${list.join(" ")}]`;
}

function describe(calls: readonly Operation[], { state, open, next }: Place): string {
  const lines = open.flatMap((index) => {
    const call = calls[index];
    if (!call) return [];
    const { client, request, outcome, calledMs, returnedMs } = call;
    const times = `${calledMs.toFixed(1)} to ${isUnknown(call) ? "?" : returnedMs.toFixed(1)} ms`;
    const answer = outcome.kind === "done" ? `done, ${gist(outcome)}` : JSON.stringify(outcome);
    return [`  ${client}, ${times}: ${JSON.stringify(request)} -> ${answer}`];
  });
  const done = `${next - open.length} of ${calls.length} operations`;
  return `not linearizable: ${done} have an order, to ${formatState(state)}; then none of these fits:\n${lines.join("\n")}`;
}
