import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { createLogger, LOG_FORMATS } from "./logger.js";

/** What one line becomes. */
async function written(t: TestContext, format: (typeof LOG_FORMATS)[number], facts: object): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "seamless-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "log");
  const descriptor = openSync(file, "w");
  const logger = await createLogger({ level: "info", format, descriptor, colour: false });
  logger.info({ event: "audit", ...facts }, "audit");
  closeSync(descriptor);
  return readFileSync(file, "utf8");
}

test("no name that somebody has asked for puts a line or a control character into the log", async (t) => {
  const service = "a\u001b[31m\r\nINFO: forged\u007f\u009b31m\u0085\u2028\u202e\u2066";
  for (const format of LOG_FORMATS) {
    const text = await written(t, format, { service });
    assert.match(text, /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+\n$/u, format);
    if (format === "json") assert.equal((JSON.parse(text) as { service: string }).service, service);
  }
});
