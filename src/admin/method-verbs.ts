import type { SeamlessServiceService } from "@seamless/proto";
import type { Verb } from "./access/principal.js";

export type Method = keyof typeof SeamlessServiceService;

/** What each rpc needs. */
export const METHOD_VERBS: Readonly<Record<Method, Verb>> = {
  get: "read",
  getFleet: "read",
  watchFleet: "read",
  getHistory: "read",
  listServices: "read",
  watchBackends: "read",
  watchDeploy: "read",
  watchDrain: "read",
  set: "deploy",
  add: "deploy",
  remove: "deploy",
  setWeights: "deploy",
  deploy: "deploy",
  rollback: "deploy",
  changeDrain: "deploy",
  undrain: "deploy",
  pause: "deploy",
  resume: "deploy",
  setHealthCheck: "admin",
  createService: "admin",
  deleteService: "admin",
  upgrade: "admin",
};

/** What is about no service, and changes all of them. */
export const FOR_ALL_SERVICES: ReadonlySet<Method> = new Set<Method>(["upgrade"]);
