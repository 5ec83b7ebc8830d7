import { z } from "zod/v3";
import { parseBackends, setBackends, type BackendList } from "../control/backend-list.js";
import { CHANGE_VERBS } from "../control/history.js";

// Of zod the API of its third version, which stays: that of the fourth takes ten times as long to load (with 50 languages, also if
// they are not used), and a state file is read before the first connection is accepted.

/** The parts of a service that are stored in the same form wherever they are: in the state file and in a shared store. */
export const int = z.number().int().safe();
export const positive = int.min(1);
export const count = int.min(0);

const backend = z.strictObject({ address: z.string(), weight: int });
export const list = z.array(backend);
export type StoredList = z.infer<typeof list>;

const kind = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("tcp") }),
  z.strictObject({ type: z.literal("http"), path: z.string(), host: z.string(), expectedStatus: z.string() }),
  z.strictObject({ type: z.literal("grpc"), service: z.string() }),
]);
export const check = z.strictObject({
  kind,
  intervalMs: count,
  timeoutMs: count,
  rise: count,
  fall: count,
});

export const pause = z.strictObject({
  startedUnixMs: count,
  holdLimitMs: positive,
  maxHeld: positive,
});

export const drainLimits = z.strictObject({
  limitMs: count.optional(),
  idleLimitMs: count.optional(),
  spreadMs: count,
});

export const trial = z.strictObject({ proxies: z.array(z.string()), list });

/** A change without its list. */
export const change = z.strictObject({
  revision: positive,
  atUnixMs: count,
  verb: z.enum(CHANGE_VERBS),
  actor: z.string(),
  from: z.string().default(""),
});

export const toStoredList = (backends: BackendList): StoredList =>
  backends.map(({ id: address, weight }) => ({ address, weight }));

/**
 * By the parser that requests go through, so that nothing stored can hold what a request could not set.
 * @throws ProxyError INVALID_ADDRESS, INVALID_ARGUMENT, LIMIT_EXCEEDED
 */
export function fromStoredList(stored: StoredList): BackendList {
  return stored.length === 0 ? [] : setBackends([], parseBackends(stored));
}

function firstProblem({ issues }: z.ZodError): string {
  const [issue] = issues;
  return issue ? `${issue.path.map(String).join(".") || "it"}: ${issue.message}` : "it has the wrong form";
}

/** @throws Error saying what is wrong with the text */
export function readAs<Schema extends z.ZodType>(schema: Schema, text: string): z.infer<Schema> {
  const value = parseJson(text);
  if (value === undefined) throw new Error("it is not JSON");
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data as z.infer<Schema>;
  throw new Error(firstProblem(parsed.error));
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
