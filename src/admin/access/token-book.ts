import { timingSafeEqual } from "node:crypto";
import { isScalar, LineCounter, parseDocument, visit, type Document } from "yaml";
import { z } from "zod/v3";
import { ProxyError } from "../../errors.js";
import { hashOf } from "./token-hash.js";
import { PRINCIPAL_NAME, VERBS, withLesserVerbs, type Principal } from "./principal.js";

/**
 * The tokens that are accepted, as a YAML list. The file has their SHA-256 only: they are 256 random bits (`seamless
 * token`), so that nothing slower is needed, and who reads the file can't use it.
 */
export interface TokenBook {
  /** Takes as long for a right token as for a wrong one. */
  find(token: string): Principal | undefined;
}

const entry = z.strictObject({
  name: z.string().regex(PRINCIPAL_NAME.pattern, `expected ${PRINCIPAL_NAME.form}`),
  sha256: z.string().regex(/^[0-9a-f]{64}$/i, "expected 64 hexadecimal digits; `seamless token` makes them"),
  verbs: z.array(z.enum(VERBS)).min(1),
  services: z.union([z.literal("*"), z.array(z.string().min(1)).min(1)]),
});
const NO_LIST = "expected a list of tokens; `seamless token NAME` makes its entries";
const file = z.array(entry, { invalid_type_error: NO_LIST, required_error: NO_LIST }).min(1, NO_LIST);
const MAX_ALIASES = 10;

/** @throws ProxyError CONFIG_INVALID naming the entry and the field */
export function parseTokens(text: string, path: string): TokenBook {
  const lines = new LineCounter();
  // Pretty ones repeat the line, and somebody may have written a token there.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [broken] = document.errors;
  if (broken) throw invalid(path, `line ${lines.linePos(broken.pos[0]).line}: ${broken.message}`);
  const parsed = file.safeParse(toValue(document, path));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.map(String).join(".") ?? "";
    throw invalid(path, `${where === "" ? "" : `${where}: `}${issue?.message ?? ""}`);
  }
  const names = parsed.data.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw invalid(path, `two tokens are named '${twice}'`);
  const entries = parsed.data.map(({ name, sha256, verbs, services }) => ({
    hash: Buffer.from(sha256, "hex"),
    principal: {
      name,
      verbs: withLesserVerbs(verbs),
      services: services === "*" ? undefined : new Set(services),
    },
  }));
  return {
    find(token) {
      const hash = hashOf(token);
      let found: Principal | undefined;
      for (const { hash: known, principal } of entries) if (timingSafeEqual(known, hash)) found = principal;
      return found;
    },
  };
}

const invalid = (path: string, what: string): ProxyError =>
  new ProxyError("CONFIG_INVALID", `the tokens file ${path} can't be used: ${what}`);

/** An alias of nothing, or too many of one thing, is found only here. */
function toValue(document: Document.Parsed, path: string): unknown {
  try {
    visit(document, { Pair: (_, { key }) => requireName(key) });
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    throw invalid(path, (error as Error).message);
  }
}

/** A mapping as the name of a field, in a mapping that is one: 600 bytes of that would take a minute to make an object of. */
function requireName(key: unknown): void {
  if (!isScalar(key)) throw new Error("the name of a field is no text");
}
