import { ProxyError } from "../errors.js";
import type { ListedBackend } from "./backend-list.js";
import type { DestinationPolicy } from "./destination-policy.js";
import type { NameResolver } from "./name-resolver.js";

interface Checked {
  /** What the host stood for when it was checked; compared by identity. */
  readonly found: readonly string[];
  readonly allowed: readonly string[];
  readonly refusal: string;
}

/** The addresses that the backends of a list may be connected at: looked up, and checked after each answer. */
export class BackendResolution {
  readonly #resolver: NameResolver;
  readonly #policy: DestinationPolicy;
  readonly #checks = new Map<string, Checked>();

  constructor(resolver: NameResolver, policy: DestinationPolicy) {
    this.#resolver = resolver;
    this.#policy = policy;
  }

  /**
   * Begins to track the names of backends that are about to be listed, waits a little for their first answers, and
   * refuses a backend that has only forbidden addresses. If it refuses one, it tracks none of them.
   * @throws ProxyError FORBIDDEN_BACKEND
   */
  async admit(backends: readonly ListedBackend[], waitMs: number): Promise<void> {
    await this.enter(backends, waitMs);
    for (const backend of backends) {
      const { refusal, allowed } = this.#check(backend);
      if (refusal === "" || allowed.length > 0) continue;
      this.release(backends);
      const details = { address: backend.id };
      throw new ProxyError("FORBIDDEN_BACKEND", `${backend.id} can't be a backend: ${refusal}`, { details });
    }
  }

  /** The same for backends that others have listed: one that is forbidden here has no address. */
  async enter(backends: readonly ListedBackend[], waitMs: number): Promise<void> {
    const names = backends.filter(isNamed).map(({ address }) => address.host);
    for (const name of names) this.#resolver.track(name);
    await this.#resolver.settled(names, waitMs);
  }

  /** The backends are not listed any more. */
  release(backends: readonly ListedBackend[]): void {
    for (const { id } of backends) this.#checks.delete(id);
    for (const { address } of backends.filter(isNamed)) this.#resolver.release(address.host);
  }

  /** IP addresses, in the order in which they are to be tried. */
  addresses(backend: ListedBackend): readonly string[] {
    return this.#check(backend).allowed;
  }

  /** Why the backend has no address, or why its last look-up failed; "" if nothing is wrong. */
  error(backend: ListedBackend): string {
    const { refusal, allowed } = this.#check(backend);
    if (refusal !== "" && allowed.length === 0) return refusal;
    if (!isNamed(backend)) return "";
    const { error, pending } = this.#resolver.resolution(backend.address.host);
    return pending ? "look-up under way" : error;
  }

  /** Whether the first look-up of any of them is still under way. */
  pending(backends: readonly ListedBackend[]): boolean {
    return backends.some(
      (backend) => isNamed(backend) && this.#resolver.resolution(backend.address.host).pending,
    );
  }

  /** Looks the backend's name up again, since connecting to it failed. */
  refresh(backend: ListedBackend): void {
    if (isNamed(backend)) this.#resolver.refresh(backend.address.host);
  }

  #check(backend: ListedBackend): Checked {
    const { host, port } = backend.address;
    const known = this.#checks.get(backend.id);
    const found = isNamed(backend) ? this.#resolver.resolution(host).addresses : (known?.found ?? [host]);
    if (known?.found === found) return known;
    const refusals = found.map((ip) => this.#policy.refuse({ host: ip, port }));
    const allowed = found.filter((_, i) => refusals[i] === undefined);
    const checked = { found, allowed, refusal: refusals.find((refusal) => refusal !== undefined) ?? "" };
    this.#checks.set(backend.id, checked);
    return checked;
  }
}

const isNamed = ({ address }: ListedBackend): boolean => address.kind === "name";
