import { credentials, makeGenericClientConstructor, type ServiceError, status } from "@grpc/grpc-js";
import { service } from "grpc-health-check";
import { formatAddress } from "../address.js";
import type { CheckSubject } from "../control/checker.js";
import type { CheckKind } from "../control/health-check.js";

type GrpcCheck = Extract<CheckKind, { type: "grpc" }>;
type Answer = (error: ServiceError | null, response?: { status: string }) => void;

const HealthClient = makeGenericClientConstructor(service, "Health");

/** Calls grpc.health.v1.Health/Check on a connection of its own, without TLS. */
export function grpcCheck(
  { id, endpoint }: CheckSubject,
  check: GrpcCheck,
  signal: AbortSignal,
): Promise<void> {
  const client = new HealthClient(formatAddress(endpoint), credentials.createInsecure(), {
    "grpc.default_authority": id,
    "grpc.enable_http_proxy": 0,
    "grpc.enable_retries": 0,
    "grpc.enable_channelz": 0,
    "grpc.service_config_disable_resolution": 1,
    "grpc.use_local_subchannel_pool": 1,
  });
  return new Promise<void>((resolve, reject) => {
    const stop = (): void => client.close();
    signal.addEventListener("abort", stop);
    const answer: Answer = (error, response) => {
      signal.removeEventListener("abort", stop);
      if (error) reject(new Error(`gRPC ${status[error.code]}: ${error.details}`));
      else if (response?.status === "SERVING") resolve();
      else reject(new Error(`gRPC health ${response?.status ?? "unknown"}`));
    };
    const checkHealth = client["check"] as (request: object, answer: Answer) => void;
    checkHealth.call(client, { service: check.service }, answer);
  }).finally(() => client.close());
}
