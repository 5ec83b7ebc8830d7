import {
  type ChannelCredentials,
  type ClientOptions,
  connectivityState,
  credentials,
  InterceptingCall,
  type Interceptor,
} from "@grpc/grpc-js";
import { SeamlessServiceClient } from "@seamless/proto";
import { SeamlessError } from "./errors.js";
import { invalidOption, type Settings, type Target } from "./options.js";
import { type Finding, probe } from "./probe.js";

/** Times of the connection that no user needs to set, and tests do. */
export interface LinkTiming {
  /** For one attempt to connect, up to the proxy's HTTP/2 settings. */
  readonly connectTimeoutMs: number;
  /** A connection without traffic for so long is pinged. The proxy takes no offence from 10 s on. */
  readonly keepaliveMs: number;
  /** A ping without an answer for so long ends the connection. */
  readonly keepaliveTimeoutMs: number;
}

export const DEFAULT_LINK_TIMING: LinkTiming = {
  connectTimeoutMs: 5_000,
  keepaliveMs: 30_000,
  keepaliveTimeoutMs: 10_000,
};

/** Where the proxy is, and how it is to be spoken to. */
export type LinkSettings = Pick<Settings, "target" | "token" | "tls">;

/** The connection to the proxy. */
export interface Link {
  /**
   * A client whose channel is connected, so that a call made with it now is sent at once. Calls that wait at the
   * same time share one attempt.
   * @throws SeamlessError UNAVAILABLE saying what to check
   */
  ready(method: string): Promise<SeamlessServiceClient>;
  close(): void;
}

/**
 * A link has no channel, one that is connecting, or one that is connected; grpc-js connects a channel again by
 * itself after it was idle or broken. One that fails to connect is thrown away, rather than left to grpc-js, which
 * would wait as long as its own backoff says, and for ever for a peer that accepts and then keeps silent. So
 * each attempt of a call really is one, and the SDK's backoff is the only one.
 */
export function createLink(settings: LinkSettings, timing: LinkTiming): Link {
  const { target } = settings;
  let client: SeamlessServiceClient | undefined;
  let attempt: Promise<SeamlessServiceClient | Finding> | undefined;

  const connectOnce = async (): Promise<SeamlessServiceClient | Finding> => {
    const current = (client ??= new SeamlessServiceClient(
      grpcName(target),
      channelCredentials(settings),
      channelOptions(settings, timing),
    ));
    const outcome = await settle(current.getChannel(), timing.connectTimeoutMs);
    if (outcome === "connected") return current;
    if (client === current) client = undefined;
    current.close();
    return explain(outcome, target, timing);
  };

  return {
    async ready(method) {
      attempt ??= connectOnce().finally(() => (attempt = undefined));
      const result = await attempt;
      if (result instanceof SeamlessServiceClient) return result;
      throw noProxy(target, result, method);
    },
    close() {
      client?.close();
      client = undefined;
    },
  };
}

type Channel = ReturnType<SeamlessServiceClient["getChannel"]>;
type Outcome = "connected" | "failed" | "late" | "closed";

async function settle(channel: Channel, timeoutMs: number): Promise<Outcome> {
  const deadline = new Date(Date.now() + timeoutMs);
  for (;;) {
    const state = channel.getConnectivityState(true);
    if (state === connectivityState.READY) return "connected";
    if (state === connectivityState.TRANSIENT_FAILURE) return "failed";
    if (state === connectivityState.SHUTDOWN) return "closed";
    if (!(await changes(channel, state, deadline))) return "late";
  }
}

/** Whether the channel leaves the state before the deadline. */
function changes(channel: Channel, state: connectivityState, deadline: Date): Promise<boolean> {
  return new Promise((resolve) => {
    channel.watchConnectivityState(state, deadline, (error) => resolve(error === undefined));
  });
}

async function explain(outcome: Outcome, target: Target, { connectTimeoutMs }: LinkTiming): Promise<Finding> {
  if (outcome === "failed") return probe(target, connectTimeoutMs);
  return { reason: outcome === "late" ? `no answer within ${connectTimeoutMs} ms` : "the client was closed" };
}

function noProxy({ address }: Target, { reason, cause }: Finding, method: string): SeamlessError {
  const text = `no Seamless proxy answers at ${address} (${reason}); is it running, and is the address right?`;
  return new SeamlessError("UNAVAILABLE", text, {
    status: "UNAVAILABLE",
    method,
    details: { address },
    cause,
  });
}

/** The scheme is written out, or a host called `unix` would be taken for one. */
function grpcName(target: Target): string {
  return target.kind === "unix" ? target.address : `dns:${target.address}`;
}

/** @throws SeamlessError INVALID_OPTIONS if certificate and key are not what they should be */
function channelCredentials({ tls }: LinkSettings): ChannelCredentials {
  if (!tls) return credentials.createInsecure();
  const bytes = (text: string | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text));
  try {
    return credentials.createSsl(bytes(tls.ca), bytes(tls.key), bytes(tls.cert));
  } catch (error) {
    throw invalidOption(`tls: ${(error as Error).message}`, "connect");
  }
}

/** Sends the token along with each call. */
function showToken(token: string): Interceptor {
  return (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start(metadata, listener, next) {
        metadata.set("authorization", `Bearer ${token}`);
        next(metadata, listener);
      },
    });
}

function channelOptions({ token, tls }: LinkSettings, timing: LinkTiming): Partial<ClientOptions> {
  return {
    ...(token !== undefined && { interceptors: [showToken(token)] }),
    ...(tls?.serverName !== undefined && { "grpc.ssl_target_name_override": tls.serverName }),
    "grpc.keepalive_time_ms": timing.keepaliveMs,
    "grpc.keepalive_timeout_ms": timing.keepaliveTimeoutMs,
    "grpc.keepalive_permit_without_calls": 1,
    "grpc.enable_retries": 0,
    "grpc.enable_channelz": 0,
    // Management must not travel through the proxy that http_proxy names, as it would even to 127.0.0.1.
    "grpc.enable_http_proxy": 0,
    "grpc.service_config_disable_resolution": 1,
    // Else clients of the same address share a connection, and closing one leaves it open.
    "grpc.use_local_subchannel_pool": 1,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 2_000,
  };
}
