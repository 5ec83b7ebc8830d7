import type { Server } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { protoDirectory, protoFile } from "@seamless/proto";
import { protoPath as healthProtoFile } from "grpc-health-check";

/**
 * Lets grpcurl and `buf curl` ask for the contract. proto-loader leaves out what a file imports, which would make the
 * answer useless; the files served here import nothing, on purpose.
 */
export function addReflection(server: Server): void {
  const definition = loadSync([protoFile, healthProtoFile], { includeDirs: [protoDirectory] });
  new ReflectionService(definition).addToServer(server);
}
