import type { Link } from "./link.js";
import type { Settings } from "./options.js";
import type { Scopes } from "./scopes.js";

/** What the calls of one client share. */
export interface CallContext {
  readonly link: Link;
  readonly scopes: Scopes;
  readonly settings: Settings;
  /** From 0 up to, but not including, 1. */
  readonly random: () => number;
}
