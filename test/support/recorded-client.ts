import { BackendState, SeamlessError, type SeamlessClient, type ServiceState } from "@seamless/sdk";
import type { Operation, Outcome } from "./linearizability.js";
import type { ModelRequest, ModelState } from "./list-model.js";

type Change = Exclude<ModelRequest, { verb: "get" }>;

/** The list that a proxy answers: what drains is not in it. */
export function listOf({ revision, backends }: ServiceState): ModelState {
  const listed = backends.filter(({ state }) => state !== BackendState.DRAINING);
  return {
    revision: Number(revision),
    backends: listed.map(({ address, weight }) => ({ address, weight })),
  };
}

/** Sends requests to a proxy, and adds what it saw of each to a history. */
export class RecordedClient {
  readonly #name: string;
  readonly #client: SeamlessClient;
  readonly #history: Operation[];

  /** @param client one that does not try again: each attempt is an operation of its own */
  constructor(name: string, client: SeamlessClient, history: Operation[]) {
    this.#name = name;
    this.#client = client;
    this.#history = history;
  }

  /** @throws what can't be the answer to this */
  async ask(request: ModelRequest): Promise<Outcome> {
    const calledMs = performance.now();
    const outcome = await this.#send(request).catch(outcomeOf);
    const returnedMs = performance.now();
    this.#history.push({ client: this.#name, request, outcome, calledMs, returnedMs });
    return outcome;
  }

  async #send(request: ModelRequest): Promise<Outcome> {
    const { state, changed } = await (request.verb === "get" ? this.#read() : this.#change(request));
    return { kind: "done", changed, state: listOf(state) };
  }

  async #read(): Promise<{ state: ServiceState; changed: boolean }> {
    const { state } = await this.#client.get({ linearizable: true });
    return { state, changed: false };
  }

  #change(request: Change): Promise<{ state: ServiceState; changed: boolean }> {
    const { expectedRevision } = request;
    const options = expectedRevision === undefined ? {} : { expectedRevision };
    if (request.verb === "remove") return this.#client.remove(request.addresses, options);
    return this.#client[request.verb](request.backends, options);
  }
}

/** What has no effect, unless it says that this is not known. */
const REFUSALS: readonly string[] = [
  "STORE_UNAVAILABLE",
  "UNAVAILABLE",
  "SHUTTING_DOWN",
  "DEADLINE_EXCEEDED",
];

function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof SeamlessError)) throw error;
  const { code, details, currentRevision } = error;
  if (code === "REVISION_MISMATCH" && currentRevision !== undefined)
    return { kind: "revision-mismatch", revision: Number(currentRevision) };
  if (code === "BACKEND_NOT_FOUND") return { kind: "not-found", address: details["address"] ?? "" };
  if (!REFUSALS.includes(code)) throw error;
  return { kind: details["outcome"] === "unknown" ? "unknown" : "refused" };
}
