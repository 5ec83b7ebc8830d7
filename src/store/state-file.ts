import { createHash } from "node:crypto";
import { z } from "zod";
import { parseBackends, setBackends, type BackendList } from "../control/backend-list.js";
import { completeHealthCheck } from "../control/health-check.js";
import { CHANGE_VERBS } from "../control/history.js";
import type { ServiceRecord } from "../control/service-record.js";
import { completeSettings } from "../control/service-settings.js";
import { ProxyError } from "../errors.js";

/**
 * The text of a state file: a header line in JSON with format, version, generation and the SHA-256 of everything after
 * it, then one JSON value with the services. What can't be trusted to the last byte is refused as a whole.
 */
export interface State {
  /** One higher with each file written. */
  readonly generation: number;
  readonly services: readonly ServiceRecord[];
}

const FORMAT = "seamless-state";
const VERSION = 1;

const count = z.int().min(0);
const backend = z.strictObject({ address: z.string(), weight: z.int() });
const list = z.array(backend);
const ends = z.strictObject({ client: count, backend: count, drain: count, idle: count, shutdown: count });
const ledger = z.strictObject({
  ends,
  leftEarly: count,
  connectFailed: count,
  holdExpired: count,
  refusedByLimit: count,
});
const kind = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("tcp") }),
  z.strictObject({ type: z.literal("http"), path: z.string(), host: z.string(), expectedStatus: z.string() }),
  z.strictObject({ type: z.literal("grpc"), service: z.string() }),
]);
const address = z.union([
  z.strictObject({ host: z.string(), port: count }),
  z.strictObject({ path: z.string().min(1) }),
]);
const check = z.strictObject({ kind, intervalMs: count, timeoutMs: count, rise: count, fall: count });
const service = z.strictObject({
  name: z.string().min(1),
  definition: z
    .strictObject({
      listen: z.array(address).min(1),
      settings: z.record(z.string(), z.union([count, z.string(), z.array(z.string()), check])),
    })
    .optional(),
  instanceId: z.string().min(1),
  revision: z.int().min(1),
  sequenceBase: count,
  list,
  healthCheck: check.optional(),
  pause: z
    .strictObject({ startedUnixMs: count, holdLimitMs: z.int().min(1), maxHeld: z.int().min(1) })
    .optional(),
  history: z.array(
    z.strictObject({
      revision: z.int().min(1),
      atUnixMs: count,
      verb: z.enum(CHANGE_VERBS),
      actor: z.string(),
      from: z.string().default(""),
      list,
      ledger: ledger.optional(),
    }),
  ),
  drains: z.array(z.strictObject({ id: z.string(), weight: z.int(), startedUnixMs: count, open: count })),
  returnTo: list.optional(),
});
const header = z.object({ format: z.string(), version: z.unknown(), generation: count, sha256: z.string() });
const body = z.strictObject({ services: z.array(service) });

export function encodeState({ generation, services }: State): string {
  const text = `${JSON.stringify({ services: services.map(toStored) })}\n`;
  return `${JSON.stringify({ format: FORMAT, version: VERSION, generation, sha256: sha256(text) })}\n${text}`;
}

/** @throws Error saying what is wrong with the text */
export function decodeState(text: string): State {
  if (text === "") throw new Error("it is empty");
  const end = text.indexOf("\n");
  const head = header.safeParse(parseJson(end < 0 ? text : text.slice(0, end)));
  if (!head.success || head.data.format !== FORMAT) throw new Error("it is not a state file of seamless");
  const { version, generation } = head.data;
  if (version !== VERSION) {
    throw new Error(`it has version ${String(version)}, and this seamless reads version ${VERSION}`);
  }
  const rest = end < 0 ? "" : text.slice(end + 1);
  if (sha256(rest) !== head.data.sha256) {
    throw new Error("its checksum does not match: it was cut short or changed");
  }
  const parsed = body.safeParse(parseJson(rest));
  if (!parsed.success) throw new Error(firstProblem(parsed.error));
  return { generation, services: parsed.data.services.map(fromStored) };
}

type StoredService = z.infer<typeof service>;
type StoredList = z.infer<typeof list>;

function toStored({ list: backends, history, returnTo, ...rest }: ServiceRecord): unknown {
  return {
    ...rest,
    list: toStoredList(backends),
    history: history.map((entry) => ({ ...entry, list: toStoredList(entry.list) })),
    ...(returnTo && { returnTo: toStoredList(returnTo) }),
  };
}

function fromStored({
  definition,
  history,
  returnTo,
  healthCheck,
  pause,
  ...stored
}: StoredService): ServiceRecord {
  return {
    ...stored,
    definition: definition && {
      listen: definition.listen,
      settings: completeSettings(definition.settings),
    },
    list: fromStoredList(stored.list),
    healthCheck: healthCheck && completeHealthCheck(healthCheck),
    pause,
    history: history.map(({ ledger: known, ...entry }) => {
      return { ...entry, list: fromStoredList(entry.list), ...(known && { ledger: known }) };
    }),
    returnTo: returnTo && fromStoredList(returnTo),
  };
}

const toStoredList = (backends: BackendList): StoredList =>
  backends.map(({ id: address, weight }) => ({ address, weight }));

/** By the parser that requests go through, so that a file can't hold what a request could not set. */
function fromStoredList(stored: StoredList): BackendList {
  return stored.length === 0 ? [] : setBackends([], parseBackends(stored));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function firstProblem({ issues }: z.ZodError): string {
  const [issue] = issues;
  return issue ? `${issue.path.map(String).join(".") || "it"}: ${issue.message}` : "it has the wrong form";
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** The one error for a state that can't be used. */
export function unusableState(path: string, previous: string | undefined, error: unknown): ProxyError {
  const what = error instanceof Error ? error.message : String(error);
  const next = previous
    ? `the previous copy is ${previous}: look at it, and copy it over if it is right`
    : "there is no previous copy";
  return new ProxyError(
    "STATE_INVALID",
    `the state file ${path} can't be used: ${what}; ${next}, or start with --reset-state to use the command line's list`,
    { cause: error },
  );
}
