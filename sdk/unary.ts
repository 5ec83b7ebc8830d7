import type { CallOptions as GrpcCallOptions, ClientUnaryCall, ServiceError } from "@grpc/grpc-js";
import type { SeamlessServiceClient } from "@seamless/proto";
import { abortable, delay, onAbort } from "./abortable.js";
import { backoffDelayMs } from "./backoff.js";
import type { CallContext } from "./call-context.js";
import type { CallSettings } from "./call-options.js";
import { isRefusedByStore, SeamlessError } from "./errors.js";
import type { Link } from "./link.js";
import { type Deadline, deadlineExceeded } from "./scopes.js";

/** One method of the service. */
export interface UnaryMethod<Response> {
  readonly name: string;
  /** Whether the call changes something, so that it must not be sent twice. */
  readonly change: boolean;
  readonly start: (
    client: SeamlessServiceClient,
    options: GrpcCallOptions,
    done: (error: ServiceError | null, response: Response) => void,
  ) => ClientUnaryCall;
}

/**
 * An attempt is made of two steps: wait for the connection, then send. UNAVAILABLE is tried again, after a wait, as
 * often as the options allow; for a change only if it came of the first step, since a request that was sent may
 * have been carried out though its answer was lost, or if the proxy says that its store did not take it. A wait
 * that would outlast the deadline is not begun: the reason why no proxy answers is worth more than
 * DEADLINE_EXCEEDED.
 */
export async function callUnary<Response>(
  { link, scopes, settings, random }: CallContext,
  method: UnaryMethod<Response>,
  { signal, timeoutMs }: CallSettings,
): Promise<Response> {
  const { retry, target } = settings;
  const endsMs = Date.now() + timeoutMs;
  const deadline = { timeoutMs, address: target.address };
  const scope = scopes.open({ method: method.name, signal, deadline });
  try {
    for (let attempt = 1; ; attempt += 1) {
      const result = await attemptOnce(link, method, { signal: scope.signal, endsMs, deadline });
      if ("response" in result) return result.response;
      const waitMs = backoffDelayMs(attempt, retry, random);
      if (!result.retry || attempt >= retry.attempts || Date.now() + waitMs >= endsMs) throw result.error;
      await delay(waitMs, scope.signal);
    }
  } finally {
    scope.end();
  }
}

type Attempt<Response> = { response: Response } | { error: SeamlessError; retry: boolean };

/** When and why an attempt ends early. */
interface Limits {
  readonly signal: AbortSignal;
  /** Unix time. */
  readonly endsMs: number;
  readonly deadline: Deadline;
}

async function attemptOnce<Response>(
  link: Link,
  method: UnaryMethod<Response>,
  limits: Limits,
): Promise<Attempt<Response>> {
  let sent = false;
  try {
    limits.signal.throwIfAborted();
    const client = await abortable(link.ready(method.name), limits.signal);
    sent = true;
    return { response: await send(client, method, limits) };
  } catch (thrown) {
    const error = SeamlessError.from(thrown, method.name);
    if (sent && method.change && !isRefusedByStore(error))
      return { error: withUnknownOutcome(error), retry: false };
    return { error, retry: error.status === "UNAVAILABLE" };
  }
}

/** The deadline goes along with the request; whether its end is seen here or by the proxy is all the same. */
async function send<Response>(
  client: SeamlessServiceClient,
  { name, start }: UnaryMethod<Response>,
  { signal, endsMs, deadline }: Limits,
): Promise<Response> {
  let release = (): void => undefined;
  try {
    return await new Promise((resolve, reject) => {
      const call = start(client, { deadline: endsMs }, (error, response) =>
        error ? reject(error) : resolve(response),
      );
      release = onAbort(signal, () => call.cancel());
    });
  } catch (thrown) {
    signal.throwIfAborted();
    const error = SeamlessError.from(thrown, name);
    throw error.code === "DEADLINE_EXCEEDED" ? deadlineExceeded(deadline, name, thrown) : error;
  } finally {
    release();
  }
}

/** An answer of the proxy is certain; the loss of one is not. */
function withUnknownOutcome(error: SeamlessError): SeamlessError {
  const lost = ["UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED"].includes(error.code);
  if (!lost) return error;
  const text = `${textOf(error)}; the change had been sent, so it may or may not have been carried out`;
  return new SeamlessError(error.code, text, {
    status: error.status,
    method: error.method,
    details: { ...error.details, outcome: "unknown" },
    cause: error.cause ?? error,
  });
}

function textOf({ code, message }: SeamlessError): string {
  return message.slice(`${code}: `.length);
}
