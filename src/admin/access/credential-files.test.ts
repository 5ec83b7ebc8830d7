import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { pino } from "pino";
import type { Logger } from "../../logger.js";
import { openCredentials } from "./credential-files.js";

const KINDS = {
  ec: ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
  rsa: ["rsa:2048"],
} as const;

interface Pair {
  readonly tlsCert: string;
  readonly tlsKey: string;
}

function makePair(t: TestContext, kind: keyof typeof KINDS): Pair {
  const folder = mkdtempSync(join(tmpdir(), "seamless-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [tlsCert, tlsKey] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const files = ["-nodes", "-keyout", tlsKey, "-out", tlsCert];
  const args = ["req", "-x509", "-newkey", ...KINDS[kind], ...files, "-subj", "/CN=localhost"];
  execFileSync("openssl", args, { stdio: "ignore" });
  return { tlsCert, tlsKey };
}

function logged(): { readonly logger: Logger; readonly events: readonly string[] } {
  const events: string[] = [];
  const write = (line: string): void => void events.push((JSON.parse(line) as { event: string }).event);
  return { logger: pino({}, { write }), events };
}

// OpenSSL itself sees that only if both are of one kind; otherwise every handshake would fail later.
for (const kind of ["ec", "rsa"] as const) {
  test(`a certificate with another's ${kind} key can't be used`, (t) => {
    const [ours, other] = [makePair(t, "ec"), makePair(t, kind)];
    const logger = pino({ level: "silent" });
    assert.throws(() => openCredentials({ tlsCert: ours.tlsCert, tlsKey: other.tlsKey }, logger), {
      code: "CONFIG_INVALID",
      message: /cert\.pem with .*key\.pem can't be used: /,
    });
  });
}

test("a certificate that comes before its key changes nothing until the key is there", (t) => {
  const [ours, next] = [makePair(t, "ec"), makePair(t, "rsa")];
  const { logger, events } = logged();
  const credentials = openCredentials(ours, logger);
  t.after(() => credentials.close());
  copyFileSync(next.tlsCert, ours.tlsCert);
  credentials.reload();
  copyFileSync(next.tlsKey, ours.tlsKey);
  credentials.reload();
  assert.deepEqual(events, ["credentials-refused", "credentials-reloaded"]);
});

test("where no credential is asked for, none is read again", () => {
  const { logger, events } = logged();
  openCredentials({}, logger).reload();
  assert.deepEqual(events, []);
});
