import type { ClientReadableStream } from "@grpc/grpc-js";
import type {
  DeployResponse,
  DeployStatus,
  DeployVerdict,
  SeamlessServiceClient,
  WatchDeployResponse,
} from "@seamless/proto";
import { abortable, delay } from "./abortable.js";
import { actorMetadata } from "./actor.js";
import { backoffDelayMs } from "./backoff.js";
import type { BackendInput } from "./backend-input.js";
import type { CallContext } from "./call-context.js";
import { resolveCallOptions } from "./call-options.js";
import { type DeployOptions, toDeployRequest } from "./deploy-options.js";
import { isBreak, SeamlessError } from "./errors.js";
import { follow, type FollowSettings, type Source } from "./follow.js";
import { readMessages } from "./message-stream.js";

const METHOD = "deploy";

/**
 * Asks for the deploy once, and reads its stream. If that breaks after the first status, the deploy may be going on, so
 * the same one is followed by WatchDeploy until its verdict is there. That the store can't be reached is no break: the
 * proxy answers, and says of the outcome what it knows.
 */
export async function deploy(
  context: CallContext,
  backends: readonly BackendInput[],
  options: DeployOptions,
): Promise<DeployVerdict> {
  const { service, signal, timeoutMs } = resolveCallOptions(options, context.settings, METHOD);
  const request = toDeployRequest(service, backends, options);
  const { address } = context.settings.target;
  const deadline = options.timeoutMs === undefined ? undefined : { timeoutMs, address };
  const scope = context.scopes.open({ method: METHOD, signal, deadline });
  const heard: { last: DeployStatus | undefined } = { last: undefined };
  const hear = (status: DeployStatus): DeployVerdict | undefined => {
    heard.last = status;
    options.onProgress?.(status);
    return status.verdict;
  };
  try {
    const client = await connected(context, scope.signal);
    try {
      return await readDeploy(client.deploy(request, actorMetadata(context.settings)), scope.signal, hear);
    } catch (thrown) {
      scope.signal.throwIfAborted();
      const error = SeamlessError.from(thrown, METHOD);
      if (!isBreak(error) || error.code === "STORE_UNAVAILABLE") throw error;
      if (!heard.last) throw outcomeUnknown(error);
      return await followDeploy(context, service, { signal: scope.signal, heard: heard.last, hear });
    }
  } finally {
    scope.end();
  }
}

/** The statuses of the present or last deploy, until the verdict. */
export function watchDeploy(
  context: CallContext,
  service: string,
  settings: FollowSettings,
): AsyncIterable<DeployStatus> {
  const source: Source<WatchDeployResponse, DeployStatus> = {
    method: "watchDeploy",
    open: (client) => client.watchDeploy({ service }),
    read: ({ status }) => status,
    isLast: ({ verdict }) => verdict !== undefined,
  };
  return follow(context, settings, () => source);
}

type Hear = (status: DeployStatus) => DeployVerdict | undefined;

/** A client with a connection. Nothing has been sent yet, so trying again does no harm. */
async function connected(
  { link, settings: { retry }, random }: CallContext,
  signal: AbortSignal,
): Promise<SeamlessServiceClient> {
  signal.throwIfAborted();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await abortable(link.ready(METHOD), signal);
    } catch (thrown) {
      signal.throwIfAborted();
      if (attempt >= retry.attempts) throw SeamlessError.from(thrown, METHOD);
    }
    await delay(backoffDelayMs(attempt, retry, random), signal);
  }
}

async function readDeploy(
  stream: ClientReadableStream<DeployResponse>,
  signal: AbortSignal,
  hear: Hear,
): Promise<DeployVerdict> {
  for await (const { status } of readMessages(stream, signal)) {
    const verdict = status && hear(status);
    if (verdict) return verdict;
  }
  throw new SeamlessError("UNAVAILABLE", "the proxy ended the deploy's stream before its verdict", {
    status: "UNAVAILABLE",
    method: METHOD,
  });
}

interface Following {
  readonly signal: AbortSignal;
  readonly heard: DeployStatus;
  readonly hear: Hear;
}

async function followDeploy(
  context: CallContext,
  service: string,
  { signal, heard, hear }: Following,
): Promise<DeployVerdict> {
  try {
    for await (const status of watchDeploy(context, service, { signal })) {
      if (status.id !== heard.id) break;
      const verdict = hear(status);
      if (verdict) return verdict;
    }
  } catch (thrown) {
    signal.throwIfAborted();
    throw outcomeUnknown(SeamlessError.from(thrown, METHOD));
  }
  throw outcomeUnknown(undefined);
}

function outcomeUnknown(cause: SeamlessError | undefined): SeamlessError {
  const text = "the connection to the proxy broke, and how the deploy ended can't be found out";
  const details = { ...cause?.details, outcome: "unknown" };
  return new SeamlessError("UNAVAILABLE", text, { status: "UNAVAILABLE", method: METHOD, details, cause });
}
