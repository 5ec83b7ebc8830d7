import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { test } from "node:test";
import { credentials } from "@grpc/grpc-js";
import { Endpoint } from "./endpoint.js";
import { lettingGo } from "./silent-sockets.js";

const LIMIT_MS = 10_000;

for (const [how, own] of [
  ["plain", credentials.createInsecure()],
  ["TLS", credentials.createSsl()],
] as const) {
  test(
    `an attempt (${how}) that got no answer leaves no connection open`,
    { timeout: LIMIT_MS },
    async (t) => {
      const accepted: Socket[] = [];
      const ended: Promise<unknown>[] = [];
      const server = createServer((socket) => {
        accepted.push(socket.resume());
        ended.push(once(socket, "close"));
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      t.after(() => {
        for (const socket of accepted) socket.destroy();
        server.close();
      });
      const { port } = server.address() as AddressInfo;
      const options = { credentials: lettingGo(own), connectTimeoutMs: 100 };
      const endpoint = new Endpoint({ host: "127.0.0.1", port }, options);
      for (let attempt = 0; attempt < 2; attempt++)
        await assert.rejects(endpoint.connect(), { kind: "unreachable" });
      assert.equal(accepted.length, 2);
      await Promise.all(ended);
    },
  );
}
