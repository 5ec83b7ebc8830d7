/**
 * Where things are in the store, below the prefix:
 *
 *     live/services/NAME          the list of a service, and what else the proxies share of it
 *     live/proxies/ID             what a proxy tells of itself; under its lease
 *     live/deploys/NAME           the deploy under way of a service; under the lease of the proxy that carries it out
 *     history/NAME/REVISION       the changes of the list, the last 100
 *
 * Every proxy follows `live/`. The list, its entry in the history and the removal of the oldest are one transaction.
 */
export interface Keys {
  readonly live: string;
  service(name: string): string;
  proxy(id: string): string;
  deploy(service: string): string;
  history(service: string): string;
  change(service: string, revision: number): string;
  /** What a key below `live` is about; undefined: nothing that this version knows. */
  parse(key: string): { readonly kind: LiveKind; readonly name: string } | undefined;
}

export type LiveKind = "services" | "proxies" | "deploys";

const KINDS: readonly string[] = ["services", "proxies", "deploys"] satisfies LiveKind[];
/** So that keys are in the order of revisions. */
const REVISION_DIGITS = 16;

/** @param prefix ends with a slash */
export function createKeys(prefix: string): Keys {
  const live = `${prefix}live/`;
  const history = (service: string): string => `${prefix}history/${service}/`;
  return {
    live,
    service: (name) => `${live}services/${name}`,
    proxy: (id) => `${live}proxies/${id}`,
    deploy: (service) => `${live}deploys/${service}`,
    history,
    change: (service, revision) => `${history(service)}${String(revision).padStart(REVISION_DIGITS, "0")}`,
    parse(key) {
      const [kind = "", name = "", ...more] = key.startsWith(live) ? key.slice(live.length).split("/") : [];
      if (!KINDS.includes(kind) || name === "" || more.length > 0) return undefined;
      return { kind: kind as LiveKind, name };
    },
  };
}
