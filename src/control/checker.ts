import type { Endpoint } from "../engine/engine.js";
import type { CheckKind } from "./health-check.js";

/** Asks one backend how it is. */
export type Checker = (subject: CheckSubject, kind: CheckKind, signal: AbortSignal) => Promise<void>;

export interface CheckSubject {
  /** The backend's address as it was given. */
  readonly id: string;
  /** Where to connect, one of them after the other. */
  readonly endpoint: Endpoint;
}
