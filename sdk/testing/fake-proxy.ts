import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";
import {
  type handleServerStreamingCall,
  Server,
  ServerCredentials,
  type sendUnaryData,
  type ServerWritableStream,
} from "@grpc/grpc-js";
import {
  type GetResponse,
  SeamlessServiceService,
  type ServiceState,
  type WatchBackendsRequest,
  type WatchBackendsResponse,
} from "@seamless/proto";
import { connect, type ConnectOptions, type SeamlessClient } from "../index.js";

export type WatchCall = ServerWritableStream<WatchBackendsRequest, WatchBackendsResponse>;

/** A proxy whose answers are the test's; `cut` breaks all its connections. */
export interface FakeProxy {
  readonly client: SeamlessClient;
  readonly requests: string[];
  cut(): void;
}

export interface Answers {
  readonly get?: (callback: sendUnaryData<GetResponse>, attempt: number) => void;
  readonly set?: (callback: sendUnaryData<{ state: ServiceState; changed: boolean }>) => void;
  readonly watch?: handleServerStreamingCall<WatchBackendsRequest, WatchBackendsResponse>;
}

export const state = (sequence: number, instanceId = "one"): ServiceState => {
  const revision = BigInt(sequence);
  return { service: "default", instanceId, revision, sequence: revision, backends: [], listenAddresses: [] };
};

export async function startFake(
  t: TestContext,
  answers: Answers,
  options: ConnectOptions = {},
): Promise<FakeProxy> {
  const requests: string[] = [];
  const server = new Server();
  const unexpected = (): never => assert.fail("not expected");
  server.addService(SeamlessServiceService, {
    get: (_: unknown, callback: sendUnaryData<GetResponse>) => {
      requests.push("get");
      answers.get?.(callback, requests.length);
    },
    set: (_: unknown, callback: sendUnaryData<{ state: ServiceState; changed: boolean }>) => {
      requests.push("set");
      answers.set?.(callback);
    },
    add: unexpected,
    remove: unexpected,
    watchBackends: answers.watch ?? unexpected,
  });
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    injector.injectConnection(socket);
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as { port: number };
  const retry = { initialDelayMs: 1, maxDelayMs: 5 };
  const client = connect({ address: `127.0.0.1:${port}`, retry, ...options });
  const cut = (): void => sockets.forEach((socket) => socket.destroy());
  t.after(() => {
    client.close();
    listener.close();
    cut();
    server.forceShutdown();
  });
  return { client, requests, cut };
}

/** An address of this machine where nothing listens: the system gave the port out, and has it back. */
export async function deadAddress(): Promise<string> {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as { port: number };
  listener.close();
  await once(listener, "close");
  return `127.0.0.1:${port}`;
}
