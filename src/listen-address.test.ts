import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { test } from "node:test";
import { overlaps } from "./listen-address.js";

const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ family }) => family === "IPv6"),
);
const HOSTS = ["", "0.0.0.0", "127.0.0.1", "127.0.0.2", ...(hasIpv6 ? ["::", "::1"] : [])];

/** Of all addresses; below those that the kernel gives to outgoing connections, of which it may have any. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const server = await listen("", port).catch(() => undefined);
    if (!server) continue;
    await once(server.close(), "close");
    return port;
  }
}

/** As the engines do: no host is all interfaces. */
async function listen(host: string, port: number): Promise<Server> {
  const server = createServer().listen({ port, ...(host !== "" && { host }) });
  await once(server, "listening");
  return server;
}

for (const first of HOSTS)
  for (const second of HOSTS)
    test(`whether '${first}' and '${second}' overlap is as the kernel says`, async (t) => {
      const port = await freePort();
      const server = await listen(first, port);
      t.after(() => server.close());
      const other = await listen(second, port).catch((error: unknown) => error as NodeJS.ErrnoException);
      if (other instanceof Error) assert.equal(other.code, "EADDRINUSE");
      else t.after(() => other.close());
      const isRefused = other instanceof Error;
      assert.equal(overlaps({ host: first, port }, { host: second, port }), isRefused);
    });

test("port 0 is another one each time, and one path has many spellings", () => {
  assert.equal(overlaps({ host: "", port: 0 }, { host: "", port: 0 }), false);
  assert.equal(overlaps({ path: "/run/x" }, { path: "/run//./y/../x" }), true);
  assert.equal(overlaps({ path: "/run/x" }, { path: "/run/xy" }), false);
  assert.equal(overlaps({ path: "/80" }, { host: "", port: 80 }), false);
});
