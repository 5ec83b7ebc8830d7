import assert from "node:assert/strict";
import { test } from "node:test";
import { EXIT } from "./exit-codes.js";
import { ctl, defaults, fails, state } from "./testing/ctl.js";

test("get prints a table that people can read", async () => {
  const { exitCode, stdout, calls } = await ctl("get");
  assert.equal(
    stdout,
    [
      "service default, revision 3",
      "ADDRESS  WEIGHT  STATE     OPEN  TOTAL  FAILED       IN      OUT  NOTE",
      "a:1           2  active       5      9       0  2.0 KiB  1.0 EiB",
      "b:1           1  draining     1      2       0      0 B      0 B  1 of 2 connections left",
      "",
    ].join("\n"),
  );
  assert.equal(exitCode, 0);
  assert.deepEqual(calls, [defaults, ["get", undefined], "close"]);
});

test("get --linearizable asks for the latest list", async () => {
  const { exitCode, stdout, calls } = await ctl("get --linearizable");
  assert.deepEqual([exitCode, calls[1]], [0, ["get", { linearizable: true }]]);
  assert.equal(stdout, (await ctl("get")).stdout);
});

test("get -o json is for programs: words for states, numbers while they are exact", async () => {
  const { stdout } = await ctl("get -o json");
  const json = JSON.parse(stdout) as {
    revision: number;
    backends: { state: string; counters: { bytesOut: unknown } }[];
  };
  assert.equal(json.revision, 3);
  assert.deepEqual(
    json.backends.map(({ state: word }) => word),
    ["active", "draining"],
  );
  assert.equal(json.backends[0]?.counters.bytesOut, "1152921504606846976");
});

for (const [line, call, done] of [
  ["set a:1 b:2=3", ["set", [{ address: "a:1" }, { address: "b:2", weight: 3 }]], "set a:1, b:2"],
  ["add a:1,b:2", ["add", [{ address: "a:1" }, { address: "b:2" }]], "added a:1, b:2"],
  [
    "add a:1=4 b:2 --weight 2",
    [
      "add",
      [
        { address: "a:1", weight: 4 },
        { address: "b:2", weight: 2 },
      ],
    ],
    "added a:1, b:2",
  ],
  ["remove a:1 b:2 --if-revision 7", ["remove", ["a:1", "b:2"], 7n], "removed a:1, b:2"],
] as const) {
  test(`${line} asks for just that, and says what was done`, async () => {
    const { exitCode, stdout, calls } = await ctl(line);
    assert.deepEqual(calls[1], call);
    assert.ok(stdout.startsWith(`${done}\nservice default, revision 3\n`), stdout);
    assert.equal(exitCode, 0);
  });
}

test("a change that changes nothing says so, also in JSON", async () => {
  const unchanged = (): unknown => ({ state, changed: false });
  assert.match((await ctl("add a:1", unchanged)).stdout, /^nothing changed\n/);
  assert.equal(
    (JSON.parse((await ctl("add a:1 -o json", unchanged)).stdout) as { changed: boolean }).changed,
    false,
  );
});

for (const line of ["set a:1", "add a:1", "remove a:1"]) {
  test(`${line} -o json prints one line: whether it changed anything, and the list`, async () => {
    const { exitCode, stdout, stderr } = await ctl(`${line} -o json`);
    assert.deepEqual([exitCode, stderr, stdout.indexOf("\n")], [0, "", stdout.length - 1]);
    const json = JSON.parse(stdout) as { changed: boolean; state: object };
    assert.equal(json.changed, true);
    assert.deepEqual(json.state, JSON.parse((await ctl("get -o json")).stdout));
  });
}

test("status and version answer programs too", async () => {
  const status = JSON.parse((await ctl("status -o json")).stdout) as {
    proxy: { version: string; acceptedConnections: number };
    state: { revision: number };
  };
  assert.deepEqual([status.proxy.version, status.proxy.acceptedConnections], ["1.2.3", 11]);
  assert.equal(status.state.revision, 3);
  const versions = (await ctl("version -o json")).stdout;
  assert.deepEqual(JSON.parse(versions), { seamlessctl: "9.9.9", seamless: "1.2.3" });
  const alone = (await ctl("-o json version", fails("UNAVAILABLE"))).stdout;
  assert.deepEqual(JSON.parse(alone), { seamlessctl: "9.9.9", seamless: null });
});

test("version hides no failure but that of reaching the proxy", async () => {
  assert.equal((await ctl("version", fails("DEADLINE_EXCEEDED"))).exitCode, 4);
});

test("a change whose answer was lost is not told as if no proxy ran", async () => {
  const { exitCode, stderr } = await ctl("add a:1", fails("UNAVAILABLE", { outcome: "unknown" }));
  assert.equal(exitCode, 3);
  assert.match(stderr, /see with `seamlessctl get` whether it was carried out/);
});

test("a store that can't be reached is told apart from a proxy that can't, and what to do next", async () => {
  const told = async (line: string, ...failure: Parameters<typeof fails>): Promise<string | undefined> => {
    const { exitCode, stderr } = await ctl(line, fails(...failure));
    assert.equal(exitCode, EXIT.unreachable);
    return stderr.split("\n")[1];
  };
  assert.equal(
    await told("add a:1", "STORE_UNAVAILABLE", {}, "add"),
    "hint: nothing was changed, and the proxy goes on with the last list it knows; try again once `seamlessctl status` shows its store as reachable",
  );
  assert.equal(
    await told("add a:1", "STORE_UNAVAILABLE", { outcome: "unknown" }, "add"),
    "hint: once the store is reachable, `seamlessctl get --linearizable` shows whether it was carried out; doing it again does no harm",
  );
  assert.equal(
    await told("get --linearizable", "STORE_UNAVAILABLE"),
    "hint: leave out --linearizable for the list that this proxy has applied",
  );
});

test("completion needs no proxy", async () => {
  const { exitCode, stdout, stderr, calls } = await ctl("completion bash");
  assert.deepEqual([exitCode, stderr, calls], [0, "", []]);
  assert.match(stdout, /^complete -F _seamlessctl seamlessctl$/m);
});

test("status shows the proxy, then the backends", async () => {
  const { stdout } = await ctl("status");
  assert.match(
    stdout,
    /^proxy +seamless 1\.2\.3, engine node\nstate +serving, up 1m 5s\nlistening +\[::\]:8080\n/,
  );
  assert.match(stdout, /6 open of at most 100, 11 accepted/);
  assert.match(stdout, /a:1 +2 +active/);
});

test("watch prints a line per state, tells of a reconnect on stderr, and ends with 130 when interrupted", async () => {
  const { exitCode, stdout, stderr } = await ctl("watch");
  assert.match(stdout, /^\S+ revision 3: a:1=2 active open=5, b:1 draining open=1\n\S+ revision 4: .*\n$/);
  assert.match(stderr, /^seamlessctl: connection lost, connecting again \(gone\)\n$/);
  assert.equal(exitCode, 130);
  const json = (await ctl("watch -o json")).stdout.trim().split("\n");
  assert.deepEqual(
    json.map((line) => (JSON.parse(line) as { revision: number }).revision),
    [3, 4],
  );
});

test("version shows both versions, or that no proxy answers", async () => {
  assert.equal((await ctl("version")).stdout, "seamlessctl 9.9.9\nseamless 1.2.3\n");
  const alone = await ctl("version", fails("UNAVAILABLE"));
  assert.equal(alone.stdout, "seamlessctl 9.9.9\nseamless (no proxy answers at 127.0.0.1:6778)\n");
  assert.equal(alone.exitCode, 0);
  assert.equal((await ctl("--version")).stdout, "9.9.9\n");
});

test("global options are taken before and after the command, and from the environment", async (t) => {
  const expected = { address: "unix:/s", service: "web", timeoutMs: 1_500 };
  assert.deepEqual((await ctl("-a unix:/s --service web --timeout 1.5s get")).calls[0], expected);
  assert.deepEqual((await ctl("get -a unix:/s --service web --timeout 1500ms")).calls[0], expected);
  const environment = { SEAMLESS_ADDRESS: "[::1]:9", SEAMLESS_SERVICE: "web", SEAMLESS_TIMEOUT: "2m" };
  t.after(() => Object.keys(environment).forEach((name) => Reflect.deleteProperty(process.env, name)));
  Object.assign(process.env, environment);
  const told = { address: "[::1]:9", service: "web", timeoutMs: 120_000 };
  assert.deepEqual((await ctl("get")).calls[0], told);
  assert.deepEqual((await ctl("get -a unix:/s")).calls[0], { ...told, address: "unix:/s" });
});

for (const [code, exitCode, hint] of [
  ["BACKEND_NOT_FOUND", 1, /seamlessctl get/],
  ["SERVICE_NOT_FOUND", 1, /--service/],
  ["INVALID_ADDRESS", 1, /HOST:PORT/],
  ["SERVICE_EXISTS", 1, /service list/],
  ["SERVICE_CONFIGURED", 1, /SIGHUP/],
  ["LIST_EXISTS", 1, /without backends and --health.*joins that list/],
  ["LIST_IN_USE", 1, /nothing was changed; without --with-list/],
  ["UNAUTHENTICATED", 1, /--token-file/],
  ["PERMISSION_DENIED", 1, /tokens/],
  ["FORBIDDEN_BACKEND", 1, /^$/],
  ["SHUTTING_DOWN", 1, /next proxy/],
  ["INTERNAL", 1, /log of the proxy/],
  ["INVALID_ARGUMENT", 1, /^$/],
  ["LIMIT_EXCEEDED", 1, /^$/],
  ["UNKNOWN", 1, /^$/],
  ["REVISION_NOT_FOUND", 1, /seamlessctl history/],
  ["DRAIN_NOT_FOUND", 1, /seamlessctl drain list/],
  ["DEPLOY_IN_PROGRESS", 1, /seamlessctl deploy --watch.*proxy that carries it out/],
  ["DEPLOY_NOT_FOUND", 1, /seamlessctl deploy HOST:PORT/],
  ["STORE_FAILED", 1, /state file.*store that it shares/],
  ["STORE_UNAVAILABLE", 3, /--linearizable/],
  ["NO_FLEET", 1, /--store etcd:/],
  ["INVALID_OPTIONS", 2, /^$/],
  ["UNAVAILABLE", 3, /--address/],
  ["DEADLINE_EXCEEDED", 4, /--timeout/],
  ["REVISION_MISMATCH", 5, /--if-revision 8/],
] as const) {
  test(`${code} is exit code ${exitCode}, told on stderr with what to do next`, async () => {
    const failing = fails(code, code === "REVISION_MISMATCH" ? { current_revision: "8" } : {});
    const outcome = await ctl("get", failing);
    assert.deepEqual([outcome.exitCode, outcome.stdout], [exitCode, ""]);
    const [message, told = ""] = outcome.stderr.split("\n");
    assert.equal(message, "seamlessctl: what was wrong");
    assert.match(told, hint);
    const json = JSON.parse((await ctl("get -o json", failing)).stderr) as { error: { code: string } };
    assert.equal(json.error.code, code);
    assert.equal(outcome.calls.at(-1), "close");
  });
}

for (const [line, complaint] of [
  ["gett", /unknown command 'gett'\n\(Did you mean get\?\)/],
  ["set", /missing required argument 'backends'/],
  ["add a:1, b:2", /empty address/],
  ["add a:1=x", /whole number from 1 to 256/],
  ["add a:1=1=2", /ADDRESS=WEIGHT/],
  ["add a:1 --weight -1", /whole number from 1 to 256/],
  ["get --timeout 5", /such as 500ms/],
  ["get --output yaml", /Allowed choices are table, json/],
  ["remove a:1 --if-revision soon", /Expected a revision/],
  ["completion tcsh", /Allowed choices are bash, zsh, fish/],
  ["get extra", /too many arguments/],
] as const) {
  test(`seamlessctl ${line} is a usage error`, async () => {
    const { exitCode, stdout, stderr } = await ctl(line);
    assert.deepEqual([exitCode, stdout], [2, ""]);
    assert.match(stderr, complaint);
    assert.match(stderr, /^seamlessctl: /);
  });
}

test("alone it prints its help on stderr and exits 2; --help names every command and exit code", async () => {
  const alone = await ctl("");
  assert.deepEqual([alone.exitCode, alone.stdout], [2, ""]);
  const { stdout, exitCode } = await ctl("--help");
  assert.equal(exitCode, 0);
  const words =
    "deploy get set add remove weight drain undrain pause resume health history rollback service fleet top watch status upgrade version completion";
  for (const word of words.split(" ")) assert.match(stdout, new RegExp(`^ +${word}\\b`, "m"));
  for (const code of Object.values(EXIT)) assert.match(stdout, new RegExp(`\\b${code}  \\w`));
  assert.equal(alone.stderr, stdout);
});
