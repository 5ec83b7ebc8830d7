import { type CallOptions as GrpcCallOptions, Metadata, type ServiceError } from "@grpc/grpc-js";
import {
  type GetHistoryResponse,
  type GetResponse as GetAnswer,
  type HistoryEntry,
  type SeamlessServiceClient,
  type ServiceState,
} from "@seamless/proto";
import { actorMetadata } from "./actor.js";
import { type BackendInput, toAddresses, toBackendSpecs } from "./backend-input.js";
import type { CallContext } from "./call-context.js";
import {
  type CallOptions,
  type ChangeOptions,
  type GetOptions,
  requireUint64,
  resolveCallOptions,
  type PauseOptions,
  type ResumeOptions,
} from "./call-options.js";
import {
  type DrainingChangeOptions,
  type DrainLimits,
  type RollbackOptions,
  toDrainOptions,
} from "./drain-limits.js";
import { type HealthCheckInput, toHealthCheck } from "./health-check-input.js";
import { requireBoolean, requireUint32 } from "./options.js";
import { type ChangeResult, type GetResponse, present } from "./results.js";
import { callUnary, type UnaryMethod } from "./unary.js";

export async function get(context: CallContext, options: GetOptions): Promise<GetResponse> {
  const { service } = resolveCallOptions(options, context.settings, "get");
  const linearizable = requireBoolean("linearizable", options.linearizable ?? false, "get");
  const { state, proxy } = await ask<GetAnswer>(context, "get", options, (client, ...call) =>
    client.get({ service, linearizable }, ...call),
  );
  return { state: present(state, "get"), proxy: present(proxy, "get") };
}

export async function history(context: CallContext, options: CallOptions): Promise<readonly HistoryEntry[]> {
  const { service } = resolveCallOptions(options, context.settings, "history");
  const { entries } = await ask<GetHistoryResponse>(context, "history", options, (client, ...call) =>
    client.getHistory({ service }, ...call),
  );
  return entries;
}

export function set(
  context: CallContext,
  backends: readonly BackendInput[],
  options: DrainingChangeOptions,
): Promise<ChangeResult> {
  return change(context, "set", options, (common) => {
    const drain = toDrainOptions(options.drain, "set");
    const request = { ...common, drain, backends: toBackendSpecs(backends, "set") };
    return (client, ...call) => client.set(request, ...call);
  });
}

export function add(
  context: CallContext,
  backends: readonly BackendInput[],
  options: ChangeOptions,
): Promise<ChangeResult> {
  return change(context, "add", options, (common) => {
    const request = { ...common, backends: toBackendSpecs(backends, "add") };
    return (client, ...call) => client.add(request, ...call);
  });
}

export function remove(
  context: CallContext,
  addresses: readonly string[],
  options: DrainingChangeOptions,
): Promise<ChangeResult> {
  return change(context, "remove", options, (common) => {
    const drain = toDrainOptions(options.drain, "remove");
    const request = { ...common, drain, addresses: toAddresses(addresses, "remove") };
    return (client, ...call) => client.remove(request, ...call);
  });
}

export function setWeights(
  context: CallContext,
  backends: readonly BackendInput[],
  options: ChangeOptions,
): Promise<ChangeResult> {
  return change(context, "setWeights", options, (common) => {
    const request = { ...common, backends: toBackendSpecs(backends, "setWeights") };
    return (client, ...call) => client.setWeights(request, ...call);
  });
}

export function undrain(
  context: CallContext,
  addresses: readonly string[],
  options: ChangeOptions,
): Promise<ChangeResult> {
  return change(context, "undrain", options, (common) => {
    const request = { ...common, addresses: toAddresses(addresses, "undrain") };
    return (client, ...call) => client.undrain(request, ...call);
  });
}

export function rollback(context: CallContext, options: RollbackOptions): Promise<ChangeResult> {
  return change(context, "rollback", options, (common) => {
    const { revision: wanted } = options;
    const revision = wanted === undefined ? undefined : requireUint64("revision", wanted, "rollback");
    const request = { ...common, revision, drain: toDrainOptions(options.drain, "rollback") };
    return (client, ...call) => client.rollback(request, ...call);
  });
}

export function pause(context: CallContext, options: PauseOptions): Promise<ChangeResult> {
  return change(context, "pause", options, ({ service }) => {
    const request = {
      service,
      holdLimitMs: optionalUint32("holdLimitMs", options.holdLimitMs, "pause"),
      maxHeld: optionalUint32("maxHeld", options.maxHeld, "pause"),
    };
    return (client, ...call) => client.pause(request, ...call);
  });
}

export function resume(context: CallContext, options: ResumeOptions): Promise<ChangeResult> {
  return change(context, "resume", options, ({ service }) => {
    const pacePerSecond = optionalUint32("pacePerSecond", options.pacePerSecond, "resume");
    return (client, ...call) => client.resume({ service, pacePerSecond }, ...call);
  });
}

export function setHealthCheck(
  context: CallContext,
  check: HealthCheckInput | undefined,
  options: CallOptions,
): Promise<ChangeResult> {
  return change(context, "setHealthCheck", options, ({ service }) => {
    const healthCheck = toHealthCheck(check, "setHealthCheck");
    return (client, ...call) => client.setHealthCheck({ service, healthCheck }, ...call);
  });
}

export async function changeDrain(
  context: CallContext,
  addresses: readonly string[],
  limits: DrainLimits,
  options: CallOptions,
): Promise<ServiceState> {
  const { state } = await change(context, "changeDrain", options, ({ service }) => {
    const request = {
      service,
      addresses: toAddresses(addresses, "changeDrain"),
      options: toDrainOptions(limits, "changeDrain"),
    };
    return (client, metadata, grpcOptions, done) =>
      client.changeDrain(request, metadata, grpcOptions, (error, response) =>
        done(error, { ...response, changed: true }),
      );
  });
  return state;
}

interface ChangeResponse {
  readonly state: ServiceState | undefined;
  readonly changed: boolean;
}

interface CommonRequest {
  readonly service: string;
  readonly expectedRevision: bigint | undefined;
}

/** Sends a request. */
type Send<Response> = (
  client: SeamlessServiceClient,
  metadata: Metadata,
  options: Partial<GrpcCallOptions>,
  done: (error: ServiceError | null, response: Response) => void,
) => ReturnType<UnaryMethod<Response>["start"]>;

/** A call that changes nothing. */
export function ask<Response>(
  context: CallContext,
  name: string,
  options: CallOptions,
  send: Send<Response>,
): Promise<Response> {
  return call(context, { name, change: false }, options, (client, ...rest) =>
    send(client, new Metadata(), ...rest),
  );
}

/** A call that changes something, so that it says who asks. */
export function order<Response>(
  context: CallContext,
  name: string,
  options: CallOptions,
  send: Send<Response>,
): Promise<Response> {
  const metadata = actorMetadata(context.settings);
  return call(context, { name, change: true }, options, (client, ...rest) => send(client, metadata, ...rest));
}

async function call<Response>(
  context: CallContext,
  method: Pick<UnaryMethod<Response>, "name" | "change">,
  options: CallOptions,
  start: UnaryMethod<Response>["start"],
): Promise<Response> {
  return callUnary(context, { ...method, start }, resolveCallOptions(options, context.settings, method.name));
}

async function change(
  context: CallContext,
  name: string,
  options: ChangeOptions,
  prepare: (common: CommonRequest) => Send<ChangeResponse>,
): Promise<ChangeResult> {
  const { service } = resolveCallOptions(options, context.settings, name);
  const { expectedRevision: expected } = options;
  const expectedRevision =
    expected === undefined ? undefined : requireUint64("expectedRevision", expected, name);
  const send = prepare({ service, expectedRevision });
  const { state, changed } = await order(context, name, options, send);
  return { state: present(state, name), changed };
}

function optionalUint32(option: string, value: number | undefined, method: string): number | undefined {
  return value === undefined ? undefined : requireUint32(option, value, method);
}
