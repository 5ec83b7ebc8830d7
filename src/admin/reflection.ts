import type { Server } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { protoDirectory, protoFile } from "@seamless/proto";

/**
 * Lets grpcurl and `buf curl` ask for the contract. What proto-loader passes on lacks imports and the hidden types of
 * map fields, and clients refuse such a file whole. Our contract has neither, on purpose; the health service's has a
 * map, so that it is left out here (clients know it without asking).
 */
export function addReflection(server: Server): void {
  new ReflectionService(loadSync(protoFile, { includeDirs: [protoDirectory] })).addToServer(server);
}
