import { InvalidArgumentError, type Option } from "commander";
import { ENGINE_CHOICES } from "../engine/choose-engine.js";
import { flag } from "./flag.js";

export interface EngineFlags {
  readonly engine: (typeof ENGINE_CHOICES)[number];
  readonly threads?: number;
}

const MOST_THREADS = 256;

/** What moves the data. */
export function engineFlags(): readonly Option[] {
  return [
    flag("--engine <name>", "what moves the data; auto: native, if it can be used")
      .choices(ENGINE_CHOICES)
      .default("auto"),
    flag("--threads <count>", "threads of the native engine (default: one for each core)").argParser(
      parseThreads,
    ),
  ];
}

function parseThreads(text: string): number {
  const threads = Number(text);
  if (!/^\d{1,3}$/.test(text) || threads < 1 || threads > MOST_THREADS)
    throw new InvalidArgumentError(`Expected a number from 1 to ${MOST_THREADS}.`);
  return threads;
}
