import { fileURLToPath } from "node:url";

export * from "./gen/seamless/v1/seamless.js";
export { Any } from "./gen/google/protobuf/any.js";
export { ErrorInfo } from "./gen/google/rpc/error_details.js";
export { Status } from "./gen/google/rpc/status.js";

/** Folder that holds `seamless/v1/seamless.proto`, for those who load the contract at run time. */
export const protoDirectory = fileURLToPath(new URL("..", import.meta.url));

/** Path of the contract below {@link protoDirectory}. */
export const protoFile = "seamless/v1/seamless.proto";
