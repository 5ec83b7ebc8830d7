import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pino } from "pino";
import { openFleet } from "./open-fleet.js";
import { parseStoreUrl } from "./store-url.js";

test("a login or certificate that can't be used, or that others may read, is refused in words without the password", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "seamless-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "login");
  const open = (login: string | undefined, tls?: { ca?: string; cert?: string; key?: string }) =>
    openFleet({
      store: { url: parseStoreUrl("etcd://127.0.0.1:1"), tls, login, leaseSeconds: 5 },
      self: { id: "1", name: "one", version: "1", startedUnixMs: 1 },
      hasCopy: false,
      logger: pino({ level: "silent" }),
    });
  const refusal = (message: RegExp) => ({ code: "CONFIG_INVALID", message });
  await assert.rejects(open(path), refusal(/login can't be read: ENOENT/));
  await assert.rejects(open(undefined, { ca: path }), refusal(/login can't be read: ENOENT/));
  await assert.rejects(open(folder), refusal(/ is a directory, and a file is needed$/));
  await assert.rejects(open(undefined, { ca: folder }), refusal(/ is a directory, and a file is needed$/));
  writeFileSync(path, "pass-word", { mode: 0o644 });
  await assert.rejects(
    open(undefined, { ca: path }),
    refusal(/^(?!.*pass-word).*login can't be used for TLS: /),
  );
  const both = { cert: path, key: path };
  await assert.rejects(open(undefined, both), refusal(/^(?!.*pass-word).*can't be used for TLS: /));
  writeFileSync(path, "user:pass-word\n");
  await assert.rejects(open(path), refusal(/^(?!.*pass-word).*others may read it: chmod 600/));
  chmodSync(path, 0o600);
  for (const text of ["pass-word\n", "user:pass-word\nmore\n", ":pass-word\n", ""]) {
    writeFileSync(path, text);
    await assert.rejects(open(path), refusal(/^(?!.*pass-word).*not one line with user:password/));
  }
});
