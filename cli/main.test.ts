import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const SEAMLESSCTL = fileURLToPath(new URL("../bin/seamlessctl.js", import.meta.url));

/** A port that was free a moment ago. */
async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

test(
  "where nothing listens, the command exits 3 and says how to start a proxy",
  { timeout: 20_000 },
  async () => {
    const address = `127.0.0.1:${await unusedPort()}`;
    const child = spawn(process.execPath, [SEAMLESSCTL, "get", "-a", address], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
    assert.deepEqual([child.exitCode, stdout], [3, ""]);
    assert.match(stderr, /^seamlessctl: .+\nhint: .+starts a proxy.+\n$/);
    assert.ok(stderr.includes(address), stderr);
  },
);
