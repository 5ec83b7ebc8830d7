import { createHash } from "node:crypto";

/** As the tokens file has it. */
export function hashOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
