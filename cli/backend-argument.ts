import { InvalidArgumentError } from "commander";

/** A backend as it is written on the command line. */
export interface BackendArgument {
  readonly address: string;
  readonly weight?: number;
}

/** For commander: gathers `ADDRESS[=WEIGHT]` arguments, each of which may hold several separated by commas. */
export function collectBackends(
  text: string,
  gathered: readonly BackendArgument[] = [],
): readonly BackendArgument[] {
  return [...gathered, ...splitList(text).map(parseBackend)];
}

/** The same for addresses without a weight. */
export function collectAddresses(text: string, gathered: readonly string[] = []): readonly string[] {
  return [...gathered, ...splitList(text)];
}

function splitList(text: string): readonly string[] {
  const entries = text.split(",").map((entry) => entry.trim());
  if (entries.includes("")) throw new InvalidArgumentError("There is an empty address in it.");
  return entries;
}

function parseBackend(text: string): BackendArgument {
  const [address = "", weight, rest] = text.split("=");
  if (address === "") throw new InvalidArgumentError("There is an empty address in it.");
  if (weight === undefined) return { address };
  if (rest !== undefined) throw new InvalidArgumentError("Expected ADDRESS or ADDRESS=WEIGHT.");
  return { address, weight: parseWeight(weight) };
}

/** Only the form is checked here; the range is the proxy's to say. */
export function parseWeight(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("A weight is a whole number from 1 to 256.");
  return Number(text);
}
