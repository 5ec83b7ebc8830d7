import { ProxyError } from "../errors.js";

/** The one that a request means which names none, and the one service of the two-argument form. */
export const DEFAULT_SERVICE = "default";

/** Letters, digits, `.`, `_` and `-`, as names of DNS labels and metrics' values can have. */
const NAME = /^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$/i;

/** @throws ProxyError INVALID_ARGUMENT */
export function checkServiceName(name: string): string {
  if (NAME.test(name)) return name;
  throw new ProxyError(
    "INVALID_ARGUMENT",
    `'${name.slice(0, 80)}' is no name for a service: expected 1 to 63 letters, digits, '.', '_' or '-', with a letter or digit at both ends`,
  );
}
