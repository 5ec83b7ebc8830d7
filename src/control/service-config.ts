import type { BackendRequest } from "./management.js";
import type { ServiceDefinition } from "./service-record.js";

/** A service as the command line or the configuration file has it. */
export interface ServiceConfig extends ServiceDefinition {
  readonly name: string;
  /** What it begins with. */
  readonly backends: readonly BackendRequest[];
}
