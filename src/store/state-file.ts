import { createHash } from "node:crypto";
import { z } from "zod/v3";
import { BALANCINGS } from "../control/balancing.js";
import { NO_LIMITS } from "../control/drain.js";
import { completeHealthCheck } from "../control/health-check.js";
import type { ServiceRecord } from "../control/service-record.js";
import { completeSettings } from "../control/service-settings.js";
import { ProxyError } from "../errors.js";
import {
  change,
  check,
  count,
  drainLimits,
  fromStoredList,
  int,
  list,
  parseJson,
  pause,
  positive,
  readAs,
  toStoredList,
  trial,
} from "./stored-parts.js";

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

const ends = z.strictObject({ client: count, backend: count, drain: count, idle: count, shutdown: count });
const ledger = z.strictObject({
  ends,
  leftEarly: count,
  connectFailed: count,
  holdExpired: count,
  refusedByLimit: count,
});
const address = z.union([
  z.strictObject({ host: z.string(), port: count }),
  z.strictObject({ path: z.string().min(1) }),
]);
/** Those that a request may set; the others are as they always are. */
const settings = z
  .object({
    connectTimeoutMs: count,
    queueTimeoutMs: count,
    idleTimeoutMs: count,
    halfCloseTimeoutMs: count,
    maxConnections: count,
    maxConnectionsPerClient: count,
    maxAcceptsPerSecond: count,
    sendProxy: count,
    balance: z.enum(BALANCINGS),
    acceptProxyFrom: z.array(z.string()),
    healthCheck: check,
  })
  .partial();
const service = z.strictObject({
  name: z.string().min(1),
  definition: z.strictObject({ listen: z.array(address).min(1), settings }).optional(),
  instanceId: z.string().min(1),
  revision: positive,
  sequenceBase: count,
  list,
  healthCheck: check.optional(),
  pause: pause.optional(),
  history: z.array(change.extend({ list, ledger: ledger.optional() })),
  drains: z.array(z.strictObject({ id: z.string(), weight: int, startedUnixMs: count, open: count })),
  drainLimits: drainLimits.default(NO_LIMITS),
  trial: trial.optional(),
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
  return { generation, services: readAs(body, rest).services.map(fromStored) };
}

type StoredService = z.infer<typeof service>;

function toStored({ list: backends, history, returnTo, trial: tried, ...rest }: ServiceRecord): unknown {
  return {
    ...rest,
    ...(tried && { trial: { ...tried, list: toStoredList(tried.list) } }),
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
  pause: paused,
  trial: tried,
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
    pause: paused,
    trial: tried && { ...tried, list: fromStoredList(tried.list) },
    history: history.map(({ ledger: known, ...entry }) => {
      return { ...entry, list: fromStoredList(entry.list), ...(known && { ledger: known }) };
    }),
    returnTo: returnTo && fromStoredList(returnTo),
  };
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
