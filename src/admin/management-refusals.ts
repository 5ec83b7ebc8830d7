/** Why a server of management turned a connection or a request away. docs/metrics.md describes them. */
const CAUSES = {
  grpc: [
    "bytes",
    "connections",
    "forbidden",
    "no-call",
    "silent",
    "streams",
    "unauthenticated",
    "unreadable",
  ],
  http: ["connections", "forbidden", "malformed", "slow", "too-large", "unauthenticated"],
} as const;

export type ManagementServer = keyof typeof CAUSES;
export type ManagementRefusal<Server extends ManagementServer> = (typeof CAUSES)[Server][number];

/** So many of each, since the process began. */
export class ManagementRefusals {
  readonly #counts = {
    grpc: new Map<string, number>(CAUSES.grpc.map((cause) => [cause, 0])),
    http: new Map<string, number>(CAUSES.http.map((cause) => [cause, 0])),
  };

  count<Server extends ManagementServer>(server: Server, cause: ManagementRefusal<Server>): void {
    const counts = this.#counts[server];
    counts.set(cause, (counts.get(cause) ?? 0) + 1);
  }

  of(server: ManagementServer): ReadonlyMap<string, number> {
    return this.#counts[server];
  }
}
