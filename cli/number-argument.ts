import { InvalidArgumentError } from "commander";

/** For commander: a whole number. */
export function parseCount(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected a whole number.");
}

/** For commander: whole numbers separated by commas, as in `5,25,50`. */
export function parseCounts(text: string): readonly number[] {
  return text.split(",").map((part) => parseCount(part.trim()));
}
