import { z } from "zod/v3";
import { completeHealthCheck } from "../control/health-check.js";
import type { HistoryEntry } from "../control/history.js";
import type { SharedService } from "../control/shared-service.js";
import {
  change,
  check,
  drainLimits,
  fromStoredList,
  list,
  pause,
  positive,
  readAs,
  toStoredList,
  trial,
} from "../store/stored-parts.js";

/** Raised when an older version would misunderstand what a newer one writes. */
const FORMAT = 1;

const service = z.object({
  format: z.literal(FORMAT),
  /** Of the write; so that a proxy whose answer was lost can tell whether it was its own. */
  write: z.string(),
  revision: positive,
  list,
  healthCheck: check.optional(),
  pause: pause.optional(),
  drainLimits,
  trial: trial.optional(),
  returnTo: list.optional(),
  change,
});
const entry = change.extend({ write: z.string(), list });

/** What a write was, and what it says. */
export interface Written<T> {
  readonly write: string;
  readonly value: T;
}

export function encodeShared({ write, value }: Written<SharedService>): string {
  const { list: backends, trial: tried, returnTo, ...rest } = value;
  return JSON.stringify({
    format: FORMAT,
    write,
    ...rest,
    list: toStoredList(backends),
    ...(tried && { trial: { ...tried, list: toStoredList(tried.list) } }),
    ...(returnTo && { returnTo: toStoredList(returnTo) }),
  });
}

/** @throws Error saying what is wrong with the text */
export function decodeShared(text: string): Written<SharedService> {
  const { write, trial: tried, returnTo, healthCheck, ...rest } = readAs(service, text);
  const { revision, change: made, drainLimits: limits } = rest;
  const value: SharedService = {
    revision,
    change: made,
    drainLimits: limits,
    list: fromStoredList(rest.list),
    healthCheck: healthCheck && completeHealthCheck(healthCheck),
    pause: rest.pause,
    trial: tried && { ...tried, list: fromStoredList(tried.list) },
    returnTo: returnTo && fromStoredList(returnTo),
  };
  return { write, value };
}

export function encodeChange({
  write,
  value: { change: made, list: backends },
}: Written<SharedService>): string {
  return JSON.stringify({ ...made, write, list: toStoredList(backends) });
}

/** @throws Error saying what is wrong with the text */
export function decodeChange(text: string): Written<HistoryEntry> {
  const { write, list: backends, ...made } = readAs(entry, text);
  return { write, value: { ...made, list: fromStoredList(backends) } };
}
