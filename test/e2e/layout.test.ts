import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { endAfter } from "../support/process.js";
import { daemon, root } from "../support/proxy.js";

const read = (file: string): string => readFileSync(`${root}${file}`, "utf8");
const unit = read("examples/systemd/seamless.service");
const page = read("docs/systemd.md");
/** Those of the system's own programs are not ours to describe. */
const paths = [...new Set(unit.match(/\/(?:etc|usr|var|run)\/[\w./-]+/g))].filter(
  (path) => !path.startsWith("/etc/systemd/"),
);

test("the layout that docs/systemd.md describes is the one that the unit expects", () => {
  assert.ok(paths.length >= 6, paths.join());
  for (const path of paths) assert.ok(page.includes(`| \`${path}\``), path);
  const [, user = ""] = /^User=(.*)$/m.exec(unit) ?? [];
  assert.match(read("examples/systemd/seamless.sysusers"), new RegExp(`^u ${user} `, "m"));
});

test("the unit's command line starts a proxy, with everything where it says", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "seamless-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const path of paths) mkdirSync(join(folder, dirname(path)), { recursive: true, mode: 0o700 });
  writeFileSync(
    join(folder, "/etc/seamless/seamless.yaml"),
    "services: {web: {listen: 127.0.0.1:0, backends: 127.0.0.1:1}}\n",
  );
  const [, command = ""] = /^ExecStart=\/usr\/bin\/seamless (.*)$/m.exec(unit) ?? [];
  const args = command.split(" ").map((arg) => arg.replace(/^(unix:)?(?=\/)/, `$1${folder}`));
  const child = spawn(process.execPath, [daemon, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  endAfter(t, child);
  const lines: string[] = [];
  for await (const line of createInterface(child.stderr)) {
    lines.push(line);
    if (line.includes('"event":"ready"')) break;
  }
  assert.match(
    lines.at(-1) ?? "",
    new RegExp(`"grpc":"unix:${folder}/run/seamless/grpc.sock"`),
    lines.join("\n"),
  );
  assert.ok(readFileSync(join(folder, "/var/lib/seamless/state"), "utf8").includes('"web"'));
});
