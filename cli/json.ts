import { type Backend, HealthState, type ServiceState } from "@seamless/sdk";
import { jsonDeploy } from "./deploy-text.js";
import { enumWord } from "./enum-word.js";
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
  const { deploy, backends, ...rest } = state;
  return { ...rest, backends: backends.map(jsonBackend), ...(deploy && { deploy: jsonDeploy(deploy) }) };
}

function jsonBackend(backend: Backend): object {
  const { drain, health, ...rest } = backend;
  return {
    ...rest,
    state: stateWord(backend.state),
    ...(drain && { drain }),
    ...(health && { health: { ...health, state: enumWord(HealthState, health.state) } }),
  };
}
