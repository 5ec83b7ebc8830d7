import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { hasEtcd } from "seamless/testing/etcd";
import { run } from "../support/process.js";
import { root } from "../support/proxy.js";

const PAGES = ["README.md", ...readdirSync(`${root}docs`).map((name) => `docs/${name}`)].filter((page) =>
  readFileSync(`${root}${page}`, "utf8").includes("```sh\n"),
);

const startsEtcd = (page: string): boolean => readFileSync(`${root}${page}`, "utf8").includes("\netcd --");

for (const page of PAGES) {
  test(`the commands of ${page} do what it says`, async (t) => {
    if (startsEtcd(page) && !hasEtcd(t)) return;
    const home = mkdtempSync(join(tmpdir(), "seamless-"));
    t.after(() => rmSync(home, { recursive: true, force: true }));
    const alone = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
    const script = [`${root}test/support/run-page.sh`, `${root}${page}`, root, home];
    const { exitCode, stdout, stderr } = await run("unshare", [...alone, "bash", ...script]);
    assert.equal(exitCode, 0, `${stdout}\n${stderr} (this test needs root)`);
    assert.match(stdout, /\nall of /);
  });
}
