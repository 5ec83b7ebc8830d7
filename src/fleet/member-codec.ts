import { z } from "zod/v3";
import { completeHealthCheck } from "../control/health-check.js";
import type { DeployNote, FleetMember } from "../control/fleet.js";
import { check, count, fromStoredList, list, readAs, toStoredList } from "../store/stored-parts.js";

const health = z.object({
  state: z.enum(["unknown", "healthy", "unhealthy"]),
  against: count,
  error: z.string(),
  checkedUnixMs: count.optional(),
});
const ends = z.object({ client: count, backend: count, drain: count, idle: count, shutdown: count });
const state = z.discriminatedUnion("phase", [
  z.object({ phase: z.literal("open") }),
  z.object({ phase: z.literal("cutting"), sinceUnixMs: count, openAtStart: count }),
  z.object({
    phase: z.literal("ended"),
    endedUnixMs: count,
    outcome: z.enum(["empty", "cut", "taken-back"]),
  }),
]);
const drain = z.object({
  address: z.string(),
  startedUnixMs: count,
  atStart: count,
  open: count,
  ends,
  state,
});
const deploy = z.object({
  id: z.string(),
  candidates: z.array(z.object({ address: z.string(), health })),
  drains: z.array(drain),
});
const backend = z.object({
  address: z.string(),
  status: z.enum(["active", "unresolved", "ejected", "unhealthy", "draining"]),
  open: count,
  total: count,
  failed: count,
});
const service = z.object({
  service: z.string(),
  revision: count,
  openConnections: count,
  backends: z.array(backend),
  deploy: deploy.optional(),
});
const member = z.object({
  id: z.string(),
  name: z.string(),
  version: z.string(),
  startedUnixMs: count,
  sharesName: z.boolean().default(false),
  services: z.array(service),
});
const note = z.object({
  id: z.string(),
  coordinator: z.string(),
  fleet: z.boolean(),
  check,
  candidates: list,
  leaving: z.array(z.string()),
});

export const encodeMember = (value: FleetMember): string => JSON.stringify(value);

const BEGINNING = /^\{"id":"[^"\\]*","name":("(?:[^"\\]|\\.)*")/;

/**
 * What a proxy is called; of a record that is written as we do without reading all of it, as every proxy hears all that all
 * others tell. @throws Error saying what is wrong with the text
 */
export function nameIn(text: string): string {
  const quoted = BEGINNING.exec(text)?.[1];
  return quoted === undefined ? decodeMember(text).name : String(JSON.parse(quoted));
}

/** @throws Error saying what is wrong with the text */
export function decodeMember(text: string): FleetMember {
  const { services, ...rest } = readAs(member, text);
  return {
    ...rest,
    services: services.map(({ deploy: told, ...each }) => ({
      ...each,
      deploy: told && {
        ...told,
        candidates: told.candidates.map(({ address, health: { checkedUnixMs, ...known } }) => {
          return { address, health: { ...known, checkedUnixMs } };
        }),
      },
    })),
  };
}

export function encodeNote({ candidates, ...rest }: DeployNote): string {
  return JSON.stringify({ ...rest, candidates: toStoredList(candidates) });
}

/** @throws Error saying what is wrong with the text */
export function decodeNote(text: string): DeployNote {
  const { candidates, check: stored, ...rest } = readAs(note, text);
  return { ...rest, check: completeHealthCheck(stored), candidates: fromStoredList(candidates) };
}
