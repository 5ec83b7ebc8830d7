import { readFileSync } from "node:fs";
import { InvalidArgumentError, Option, type Command } from "commander";
import { parseDuration } from "./duration.js";

/** Options that every command takes, before or after its name. */
export interface GlobalOptions {
  readonly address: string;
  readonly service: string;
  readonly timeout: number;
  readonly output: "table" | "json";
  readonly tokenFile?: string;
  readonly tls?: boolean;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

export function addGlobalOptions(program: Command): Command {
  return program
    .addOption(
      new Option("-a, --address <address>", "gRPC address of the proxy: HOST:PORT or unix:/PATH")
        .env("SEAMLESS_ADDRESS")
        .default("127.0.0.1:6778"),
    )
    .addOption(
      new Option("-s, --service <name>", "service to work on").env("SEAMLESS_SERVICE").default("default"),
    )
    .addOption(
      new Option("--timeout <time>", "longest wait for an answer, such as 500ms, 10s or 2m")
        .env("SEAMLESS_TIMEOUT")
        .argParser(parseTimeout)
        .default(10_000, "10s"),
    )
    .addOption(fileOption("--token-file <file>", "file with your token"))
    .addOption(new Option("--tls", "speak TLS; so does each of the next three").env("SEAMLESS_TLS"))
    .addOption(fileOption("--tls-ca <file>", "authorities that the proxy's certificate may come from (PEM)"))
    .addOption(fileOption("--tls-cert <file>", "your certificate, where the proxy asks for one"))
    .addOption(fileOption("--tls-key <file>", "its key"))
    .addOption(
      new Option("-o, --output <format>", "for people or for programs")
        .choices(["table", "json"])
        .default("table"),
    );
}

const NO: readonly string[] = ["", "0", "false", "no", "off"];

/** Commander takes --tls for given if its variable is there at all, whatever it says. */
export function dropFalseFlags(environment: NodeJS.ProcessEnv): void {
  const text = environment["SEAMLESS_TLS"]?.toLowerCase();
  if (text !== undefined && NO.includes(text)) delete environment["SEAMLESS_TLS"];
}

export function ifRevisionOption(): Option {
  return new Option("--if-revision <revision>", "do it only if the list still has this revision").argParser(
    parseRevision,
  );
}

function parseTimeout(text: string): number {
  const timeoutMs = parseDuration(text);
  if (timeoutMs === 0) throw new InvalidArgumentError("Expected a time such as 500ms, 10s or 2m.");
  return timeoutMs;
}

/** For commander: a revision. */
export function parseRevision(text: string): bigint {
  if (!/^\d{1,19}$/.test(text)) throw new InvalidArgumentError("Expected a revision, a whole number.");
  return BigInt(text);
}

/** Its value is what the file holds. */
function fileOption(flags: string, description: string): Option {
  const option = new Option(flags, description);
  return option.env(`SEAMLESS_${option.name().replaceAll("-", "_").toUpperCase()}`).argParser((path) => {
    try {
      return readFileSync(path, "utf8").trim();
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  });
}
