import { randomBytes } from "node:crypto";
import { Command, InvalidArgumentError } from "commander";
import { PRINCIPAL_NAME, VERBS, type Verb } from "../admin/access/principal.js";
import { hashOf } from "../admin/access/token-hash.js";
import { checkServiceName } from "../control/service-name.js";
import { understood } from "./flag.js";

export interface NewToken {
  /** For the client. It is kept nowhere. */
  readonly token: string;
  /** For the tokens file. */
  readonly entry: string;
}

interface TokenFlags {
  readonly verbs: readonly Verb[];
  readonly services: readonly string[] | undefined;
}

/** `seamless token`. */
export function createTokenCommand(made: (token: NewToken) => void): Command {
  return new Command("token")
    .description("make a token for management: the token for its user, and the entry for --tokens")
    .argument("<name>", "who is to use it, for the history and the audit log", parseName)
    .option(
      "--verbs <verbs>",
      `what it allows: ${VERBS.join(", ")}; each includes those before it`,
      parseVerbs,
      ["deploy"],
    )
    .option("--services <names>", "for which services, separated by commas (default: all)", parseServices)
    .action((name: string, { verbs, services }: TokenFlags) => {
      const token = `sml_${randomBytes(32).toString("base64url")}`;
      const entry = [
        `- name: ${name}`,
        `  sha256: ${hashOf(token).toString("hex")}`,
        `  verbs: [${verbs.join(", ")}]`,
        `  services: ${services ? JSON.stringify(services) : '"*"'}`,
      ].join("\n");
      made({ token, entry });
    });
}

function parseName(text: string): string {
  if (PRINCIPAL_NAME.pattern.test(text)) return text;
  throw new InvalidArgumentError(`Expected ${PRINCIPAL_NAME.form}`);
}

function parseVerbs(text: string): readonly Verb[] {
  return text.split(",").map((verb) => {
    const known = VERBS.find((each) => each === verb.trim());
    if (known) return known;
    throw new InvalidArgumentError(`Expected some of ${VERBS.join(", ")}, separated by commas.`);
  });
}

function parseServices(text: string): readonly string[] {
  return text.split(",").map((name) => understood(() => checkServiceName(name.trim())));
}
