import { InvalidArgumentError, Option, type Command } from "commander";
import { parseDuration } from "../duration.js";

/** An option that can be set from the environment, too: `--http-port` by SEAMLESS_HTTP_PORT. */
export function flag(flags: string, description: string): Option {
  const created = new Option(flags, description);
  return created.env(`SEAMLESS_${created.name().replaceAll("-", "_").toUpperCase()}`);
}

const NO: readonly string[] = ["", "0", "false", "no", "off"];

/** Takes away the variables that say no: commander takes a flag without a value for given if its variable is there at all. */
export function dropFalseFlags({ options }: Command, environment: NodeJS.ProcessEnv): void {
  for (const { envVar, required, optional } of options) {
    if (envVar === undefined || required || optional) continue;
    const text = environment[envVar]?.toLowerCase();
    if (text !== undefined && NO.includes(text)) Reflect.deleteProperty(environment, envVar);
  }
}

export function durationFlag(flags: string, description: string, defaultMs: number): Option {
  const shown = defaultMs % 1_000 === 0 && defaultMs > 0 ? `${defaultMs / 1_000}s` : String(defaultMs);
  return flag(flags, description)
    .default(defaultMs, shown)
    .argParser((text) => {
      const durationMs = parseDuration(text);
      if (durationMs === undefined)
        throw new InvalidArgumentError("Expected a duration such as 500ms, 3s, 2m or 0.");
      return durationMs;
    });
}

export function countFlag(flags: string, description: string, defaultCount: number): Option {
  return flag(flags, description)
    .default(defaultCount)
    .argParser((text) => {
      if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("Expected a whole number.");
      return Number(text);
    });
}

/** Turns an error of ours into commander's, which names the argument. */
export function understood<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}
