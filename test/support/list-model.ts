/**
 * What is documented of a service's list, in as few lines as it takes: the model that recorded histories are compared
 * with. It knows nothing of how the proxy does it.
 */
export interface ModelState {
  readonly revision: number;
  readonly backends: readonly ModelBackend[];
}

export interface ModelBackend {
  readonly address: string;
  readonly weight: number;
}

export type ModelRequest =
  | { readonly verb: "get" }
  | ({ readonly verb: "set" | "add"; readonly backends: readonly AskedBackend[] } & Condition)
  | ({ readonly verb: "remove"; readonly addresses: readonly string[] } & Condition);

interface AskedBackend {
  readonly address: string;
  readonly weight?: number;
}

interface Condition {
  readonly expectedRevision?: number;
}

export type ModelAnswer =
  | { readonly kind: "done"; readonly changed: boolean; readonly state: ModelState }
  | { readonly kind: "revision-mismatch"; readonly revision: number }
  | { readonly kind: "not-found"; readonly address: string };

/** What is answered to a request, and what is then so. */
export function answerOf(
  state: ModelState,
  request: ModelRequest,
): { readonly answer: ModelAnswer; readonly next: ModelState } {
  if (request.verb === "get") return { answer: { kind: "done", changed: false, state }, next: state };
  const { revision, backends } = state;
  if (request.expectedRevision !== undefined && request.expectedRevision !== revision)
    return { answer: { kind: "revision-mismatch", revision }, next: state };
  if (request.verb === "remove") {
    const address = request.addresses.find((each) => !backends.some((backend) => backend.address === each));
    if (address !== undefined) return { answer: { kind: "not-found", address }, next: state };
  }
  const list = listAfter(backends, request);
  const changed = JSON.stringify(list) !== JSON.stringify(backends);
  const next = changed ? { revision: revision + 1, backends: list } : state;
  return { answer: { kind: "done", changed, state: next }, next };
}

function listAfter(
  before: readonly ModelBackend[],
  request: Exclude<ModelRequest, { verb: "get" }>,
): readonly ModelBackend[] {
  if (request.verb === "remove") return before.filter(({ address }) => !request.addresses.includes(address));
  const isSet = request.verb === "set";
  const weights = new Map(isSet ? [] : before.map(({ address, weight }) => [address, weight]));
  for (const { address, weight } of request.backends) {
    const known = weights.get(address);
    weights.set(address, isSet ? (known ?? 0) + (weight ?? 1) : (weight ?? known ?? 1));
  }
  return [...weights].map(([address, weight]) => ({ address, weight }));
}
