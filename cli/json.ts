import type { Backend, ServiceState } from "@seamless/sdk";
import { stateWord } from "./state-text.js";

/** One line of JSON. 64-bit numbers are numbers while JSON's readers keep them exact, else strings. */
export function toJsonLine(value: unknown): string {
  const text = JSON.stringify(value, (_, field: unknown) => {
    if (typeof field !== "bigint") return field;
    return field <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(field) : String(field);
  });
  return `${text}\n`;
}

/** A state for programs: as in the contract, but with states as lower-case words. */
export function jsonState(state: ServiceState): object {
  return { ...state, backends: state.backends.map(jsonBackend) };
}

function jsonBackend(backend: Backend): object {
  const { drain, ...rest } = backend;
  return { ...rest, state: stateWord(backend.state), ...(drain && { drain }) };
}
