import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { parseBackends, setBackends } from "../control/backend-list.js";
import { completeHealthCheck } from "../control/health-check.js";
import { NO_LEDGER } from "../control/ledger.js";
import { DEFAULT_SETTINGS } from "../control/service-settings.js";
import { newRecord, withList, type ServiceRecord } from "../control/service-record.js";
import { FileStore } from "./file-store.js";
import { encodeState } from "./state-file.js";

const listOf = (...addresses: string[]) =>
  setBackends([], parseBackends(addresses.map((address) => ({ address }))));

function record(...addresses: string[]): ServiceRecord {
  const healthCheck = completeHealthCheck({
    kind: { type: "http", path: "/up", host: "", expectedStatus: "" },
  });
  const first = newRecord(
    { name: "default", instanceId: "one", healthCheck, definition: DEFINITION },
    listOf("a:1"),
    5,
  );
  const change = { verb: "set", actor: "me", from: "here", atUnixMs: 6, ledger: NO_LEDGER } as const;
  const drains = [{ id: "a:1", weight: 1, startedUnixMs: 6, open: 2 }];
  const drainLimits = { limitMs: 10, spreadMs: 0 };
  const trial = { proxies: ["p"], list: listOf("t:1") };
  return {
    ...withList(first, { ...change, list: listOf(...addresses), drains, drainLimits, trial }),
    pause: { startedUnixMs: 7, holdLimitMs: 8, maxHeld: 9 },
    returnTo: listOf("[::1]:5"),
  };
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "seamless-"));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

const open = async (path: string) => FileStore.open(path, false);

test("what was saved is found again, to the last field", async (t) => {
  const path = join(folder(t), "state");
  const { store, saved } = await open(path);
  assert.equal(saved, undefined);
  const services = [record("b:1", "c:2"), { ...record("d:4"), name: "other" }];
  await store.save(services);
  const again = await open(path);
  assert.deepEqual(JSON.parse(JSON.stringify(again.saved?.services)), JSON.parse(JSON.stringify(services)));
  assert.equal(again.saved?.generation, 1);
  await again.store.save(services);
  assert.equal((await open(path)).saved?.generation, 2);
});

test("the file is its owner's alone, the one before is kept, and nothing else is left", async (t) => {
  const path = join(folder(t), "state");
  const { store } = await open(path);
  await store.save([record("b:1")]);
  const first = readFileSync(path, "utf8");
  await store.save([record("c:1")]);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(readFileSync(`${path}.bak`, "utf8"), first);
  assert.deepEqual(readdirSync(join(path, "..")).sort(), ["state", "state.bak"]);
});

test("a temporary file that a crash has left is swept away", async (t) => {
  const path = join(folder(t), "state");
  writeFileSync(`${path}.tmp`, "half a st");
  await open(path);
  assert.equal(existsSync(`${path}.tmp`), false);
});

test("a reset takes no notice of what is there, and keeps it as the previous copy", async (t) => {
  const path = join(folder(t), "state");
  writeFileSync(path, "broken");
  const { store, saved } = await FileStore.open(path, true);
  assert.equal(saved, undefined);
  await store.save([record("b:1")]);
  assert.equal(readFileSync(`${path}.bak`, "utf8"), "broken");
});

/** A file whose checksum is right, whatever it says. */
function signed(body: unknown, header: object = {}): string {
  const text = `${JSON.stringify(body)}\n`;
  const sha256 = createHash("sha256").update(text).digest("hex");
  return `${JSON.stringify({ format: "seamless-state", version: 1, generation: 1, sha256, ...header })}\n${text}`;
}

const DEFINITION = {
  listen: [{ host: "", port: 8080 }, { path: "/run/web.sock" }],
  settings: { ...DEFAULT_SETTINGS, idleTimeoutMs: 7_000 },
};

const whole = encodeState({ generation: 1, services: [record("b:1")] });
const stored = JSON.parse(whole.split("\n")[1] ?? "") as { services: Record<string, unknown>[] };
const changed = (change: object): string => signed({ services: [{ ...stored.services[0], ...change }] });

const BROKEN: readonly (readonly [what: string, make: (path: string) => void, says: RegExp])[] = [
  ["empty", (path) => writeFileSync(path, ""), /it is empty/],
  ["another file", (path) => writeFileSync(path, "[Unit]\nAfter=network\n"), /not a state file/],
  ["another JSON file", (path) => writeFileSync(path, '{"version":1}\n{}\n'), /not a state file/],
  ["cut short", (path) => writeFileSync(path, whole.slice(0, -20)), /checksum/],
  ["only its first line", (path) => writeFileSync(path, whole.split("\n")[0] ?? ""), /checksum/],
  ["one bit changed", (path) => writeFileSync(path, whole.replace("b:1", "c:1")), /checksum/],
  ["something appended", (path) => writeFileSync(path, `${whole}{}`), /checksum/],
  ["of a later version", (path) => writeFileSync(path, signed(stored, { version: 2 })), /version 2/],
  ["without services", (path) => writeFileSync(path, signed({})), /services/],
  [
    "with a bad address",
    (path) => writeFileSync(path, changed({ list: [{ address: "b", weight: 1 }] })),
    /'b'/,
  ],
  [
    "with a bad weight",
    (path) => writeFileSync(path, changed({ list: [{ address: "b:1", weight: 0 }] })),
    /weight/,
  ],
  ["with a field too many", (path) => writeFileSync(path, changed({ extra: 1 })), /services\.0: .*extra/],
  ["with a wrong type", (path) => writeFileSync(path, changed({ revision: "2" })), /services\.0\.revision/],
  [
    "with a way of balancing that there is not",
    (path) => writeFileSync(path, changed({ definition: { ...DEFINITION, settings: { balance: "fair" } } })),
    /settings\.balance/,
  ],
  [
    "with one network where a list of them goes",
    (path) =>
      writeFileSync(path, changed({ definition: { ...DEFINITION, settings: { acceptProxyFrom: 1 } } })),
    /settings\.acceptProxyFrom/,
  ],
  ["not JSON inside", (path) => writeFileSync(path, signed("x").replace(/\n.*\n$/, "\n")), /checksum/],
  ["a folder", (path) => mkdirSync(path), /not a regular file/],
  ["a symbolic link", (path) => symlinkSync("/etc/passwd", path), /symbolic link/],
  [
    "writable for others",
    (path) => {
      writeFileSync(path, whole);
      chmodSync(path, 0o666);
    },
    /chmod 600/,
  ],
];

for (const [what, make, says] of BROKEN) {
  test(`a state file that is ${what} is refused, with its name and that of the previous copy`, async (t) => {
    const path = join(folder(t), "state");
    writeFileSync(`${path}.bak`, whole);
    make(path);
    await assert.rejects(open(path), (error: Error & { code?: string }) => {
      assert.equal(error.code, "STATE_INVALID");
      assert.match(error.message, says);
      assert.ok(error.message.includes(`${path} can't be used`) && error.message.includes(`${path}.bak`));
      assert.ok(!error.message.includes("\n"));
      return true;
    });
  });
}

test("a missing file with a previous copy is no new beginning", async (t) => {
  const path = join(folder(t), "state");
  writeFileSync(`${path}.bak`, whole);
  await assert.rejects(open(path), /it is missing; the previous copy is .*state\.bak/);
});

test("what can't be written is an error that says why, and the file before stays", async (t) => {
  const path = join(folder(t), "state");
  const { store } = await open(path);
  await store.save([record("b:1")]);
  mkdirSync(`${path}.tmp`);
  await assert.rejects(store.save([record("c:1")]), { code: "STORE_FAILED", message: /it is a folder/ });
  rmSync(`${path}.tmp`, { recursive: true, force: true });
  assert.deepEqual((await open(path)).saved?.services[0]?.list, listOf("b:1"));
  const nowhere = await open(join(folder(t), "no", "state"));
  await assert.rejects(nowhere.store.save([record("c:1")]), /its folder does not exist/);
});
