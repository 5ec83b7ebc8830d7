import { Metadata } from "@grpc/grpc-js";
import type { GetResponse as GetAnswer, ServiceState } from "@seamless/proto";
import { type BackendInput, toAddresses, toBackendSpecs } from "./backend-input.js";
import type { CallContext } from "./call-context.js";
import { type CallOptions, type ChangeOptions, requireUint64, resolveCallOptions } from "./call-options.js";
import { type ChangeResult, type GetResponse, present } from "./results.js";
import { callUnary, type UnaryMethod } from "./unary.js";

export async function get(context: CallContext, options: CallOptions): Promise<GetResponse> {
  const call = resolveCallOptions(options, context.settings, "get");
  const method: UnaryMethod<GetAnswer> = {
    name: "get",
    change: false,
    start: (client, grpcOptions, done) =>
      client.get({ service: call.service }, new Metadata(), grpcOptions, done),
  };
  const { state, proxy } = await callUnary(context, method, call);
  return { state: present(state, "get"), proxy: present(proxy, "get") };
}

export function set(
  context: CallContext,
  backends: readonly BackendInput[],
  options: ChangeOptions,
): Promise<ChangeResult> {
  return change(context, "set", options, (common) => {
    const request = { ...common, backends: toBackendSpecs(backends, "set") };
    return (client, grpcOptions, done) => client.set(request, new Metadata(), grpcOptions, done);
  });
}

export function add(
  context: CallContext,
  backends: readonly BackendInput[],
  options: ChangeOptions,
): Promise<ChangeResult> {
  return change(context, "add", options, (common) => {
    const request = { ...common, backends: toBackendSpecs(backends, "add") };
    return (client, grpcOptions, done) => client.add(request, new Metadata(), grpcOptions, done);
  });
}

export function remove(
  context: CallContext,
  addresses: readonly string[],
  options: ChangeOptions,
): Promise<ChangeResult> {
  return change(context, "remove", options, (common) => {
    const request = { ...common, addresses: toAddresses(addresses, "remove") };
    return (client, grpcOptions, done) => client.remove(request, new Metadata(), grpcOptions, done);
  });
}

interface ChangeResponse {
  readonly state: ServiceState | undefined;
  readonly changed: boolean;
}

interface CommonRequest {
  readonly service: string;
  readonly expectedRevision: bigint | undefined;
}

async function change(
  context: CallContext,
  name: string,
  options: ChangeOptions,
  start: (common: CommonRequest) => UnaryMethod<ChangeResponse>["start"],
): Promise<ChangeResult> {
  const call = resolveCallOptions(options, context.settings, name);
  const { expectedRevision: expected } = options;
  const expectedRevision =
    expected === undefined ? undefined : requireUint64("expectedRevision", expected, name);
  const method = { name, change: true, start: start({ service: call.service, expectedRevision }) };
  const { state, changed } = await callUnary(context, method, call);
  return { state: present(state, name), changed };
}
