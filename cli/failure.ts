import type { SeamlessError, SeamlessErrorCode } from "@seamless/sdk";
import type { GlobalOptions } from "./global-options.js";
import { toJsonLine } from "./json.js";

/** What to print on stderr for an error of the SDK: what was wrong, and what to do next. */
export function explainFailure(
  error: SeamlessError,
  { address, output }: Pick<GlobalOptions, "address" | "output">,
): string {
  const { code, status, details } = error;
  const message = error.message.slice(code.length + 2);
  const hint = HINTS[code]?.(error, address);
  if (output === "json")
    return toJsonLine({ error: { code, status, message, details, ...(hint && { hint }) } });
  return `seamlessctl: ${message}\n${hint ? `hint: ${hint}\n` : ""}`;
}

type Hint = (error: SeamlessError, address: string) => string;

const HINTS: Partial<Record<SeamlessErrorCode, Hint>> = {
  UNAVAILABLE: ({ details }, address) =>
    details["outcome"] === "unknown"
      ? "see with `seamlessctl get` whether it was carried out; doing it again does no harm"
      : `\`seamless LISTEN BACKENDS\` starts a proxy; --address or SEAMLESS_ADDRESS names another than ${address}`,
  DEADLINE_EXCEEDED: () => "see with `seamlessctl get` how things are; --timeout gives it more time",
  REVISION_MISMATCH: ({ currentRevision = "N" }) =>
    `look at the list with \`seamlessctl get\`, then try again with --if-revision ${currentRevision}`,
  BACKEND_NOT_FOUND: () => "`seamlessctl get` shows what is in the list",
  REVISION_NOT_FOUND: () => "`seamlessctl history` shows the revisions that can be returned to",
  DRAIN_NOT_FOUND: () => "`seamlessctl drain list` shows what drains",
  DEPLOY_IN_PROGRESS: () =>
    "`seamlessctl deploy --watch`, asked of the proxy that carries it out, follows it to its end",
  DEPLOY_NOT_FOUND: () => "`seamlessctl deploy HOST:PORT` begins one",
  STORE_FAILED: () =>
    "nothing was changed; make room for the proxy's state file, or mend its folder, or what is wrong in the store that it shares, and try again",
  STORE_UNAVAILABLE: explainStore,
  NO_FLEET: () =>
    "`seamless --store etcd://...` gives proxies a store to share; without --fleet it deploys to this proxy alone",
  SERVICE_NOT_FOUND: () => "--service names another; `seamlessctl service list` shows all",
  SERVICE_EXISTS: () => "`seamlessctl service list` shows all",
  SERVICE_CONFIGURED: () => "take it out of the proxy's configuration file, and send SIGHUP to the proxy",
  LIST_EXISTS: ({ details: { service = "NAME" } }) =>
    `without backends and --health, \`seamlessctl service create ${service}\` joins that list`,
  LIST_IN_USE: ({ details: { service = "NAME" } }) =>
    `nothing was changed; without --with-list, \`seamlessctl service delete ${service}\` ends the service on this proxy and leaves the list`,
  UNAUTHENTICATED: () => "--token-file or SEAMLESS_TOKEN_FILE names the file with your token",
  PERMISSION_DENIED: () => "ask whoever keeps the proxy's tokens",
  INVALID_ADDRESS: () => "an address is HOST:PORT, as in localhost:4444, 10.0.0.7:80 or [::1]:80",
  SHUTTING_DOWN: () => "wait for the next proxy to start, then try again",
  UPGRADE_IN_PROGRESS: () => "wait for it to end",
  INTERNAL: () => "the log of the proxy says more",
};

/** What is asked is not in doubt; a change is only if the proxy says so. */
function explainStore({ method, details }: SeamlessError): string {
  if (method === "get") return "leave out --linearizable for the list that this proxy has applied";
  return details["outcome"] === "unknown"
    ? "once the store is reachable, `seamlessctl get --linearizable` shows whether it was carried out; doing it again does no harm"
    : "nothing was changed, and the proxy goes on with the last list it knows; try again once `seamlessctl status` shows its store as reachable";
}
