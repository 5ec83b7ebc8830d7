import type { Endpoint } from "../engine/engine.js";
import type { ProxyProtocol } from "../proxy-header.js";
import type { CheckKind } from "./health-check.js";

/** Asks one backend how it is; rejects with what is wrong. */
export type Checker = (subject: CheckSubject, kind: CheckKind, limits: CheckLimits) => Promise<void>;

export interface CheckLimits {
  readonly timeoutMs: number;
  /** Aborted when nobody wants to know any more. */
  readonly signal: AbortSignal;
}

export interface CheckSubject {
  /** The backend's address as it was given. */
  readonly id: string;
  /** Where to connect, one of them after the other. */
  readonly endpoint: Endpoint;
  /** Which PROXY protocol it expects; checks by gRPC know none. */
  readonly sendProxy: ProxyProtocol;
}
