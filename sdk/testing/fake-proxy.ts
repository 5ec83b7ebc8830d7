import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";
import {
  type handleServerStreamingCall,
  Server,
  ServerCredentials,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
} from "@grpc/grpc-js";
import {
  type GetFleetResponse,
  type GetRequest,
  type GetResponse,
  SeamlessServiceService,
  type DeployRequest,
  type DeployResponse,
  ServiceState,
  type WatchBackendsRequest,
  type WatchBackendsResponse,
  type WatchDeployRequest,
  type WatchDeployResponse,
  type WatchDrainRequest,
  type WatchDrainResponse,
  type WatchFleetRequest,
  type WatchFleetResponse,
} from "@seamless/proto";
import { connect, type ConnectOptions, type SeamlessClient } from "../index.js";

export type WatchCall = ServerWritableStream<WatchBackendsRequest, WatchBackendsResponse>;

/** A proxy whose answers are the test's; `cut` breaks all its connections. */
export interface FakeProxy {
  readonly client: SeamlessClient;
  readonly requests: string[];
  readonly cut: () => void;
}

export interface Answers {
  readonly get?: (callback: sendUnaryData<GetResponse>, attempt: number, request: GetRequest) => void;
  readonly set?: (
    callback: sendUnaryData<{ state: ServiceState; changed: boolean }>,
    attempt: number,
  ) => void;
  readonly getFleet?: (callback: sendUnaryData<GetFleetResponse>, attempt: number) => void;
  readonly watch?: handleServerStreamingCall<WatchBackendsRequest, WatchBackendsResponse>;
  readonly deploy?: handleServerStreamingCall<DeployRequest, DeployResponse>;
  readonly watchDeploy?: handleServerStreamingCall<WatchDeployRequest, WatchDeployResponse>;
  readonly watchDrain?: handleServerStreamingCall<WatchDrainRequest, WatchDrainResponse>;
  readonly watchFleet?: handleServerStreamingCall<WatchFleetRequest, WatchFleetResponse>;
  /** Every other call: what was asked, and by whom. Answers with a state, or an empty history. */
  readonly other?: (method: string, request: object, actor: unknown) => void;
}

export const state = (sequence: number, instanceId = "one"): ServiceState => {
  const revision = BigInt(sequence);
  return ServiceState.create({ service: "default", instanceId, revision, sequence: revision });
};

const OTHERS = [
  "add",
  "remove",
  "setWeights",
  "undrain",
  "changeDrain",
  "pause",
  "resume",
  "setHealthCheck",
  "getHistory",
  "rollback",
  "listServices",
  "createService",
  "deleteService",
] as const;

const answerOther =
  (method: string, { other = () => assert.fail("not expected") }: Answers) =>
  ({ request, metadata }: ServerUnaryCall<object, object>, callback: sendUnaryData<object>): void => {
    other(method, request, metadata.get("seamless-actor")[0]);
    callback(null, method === "getHistory" ? { entries: [] } : { state: state(1), changed: true });
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
    get: ({ request }: ServerUnaryCall<GetRequest, GetResponse>, callback: sendUnaryData<GetResponse>) => {
      requests.push("get");
      answers.get?.(callback, requests.length, request);
    },
    getFleet: (_: unknown, callback: sendUnaryData<GetFleetResponse>) => {
      requests.push("getFleet");
      answers.getFleet?.(callback, requests.length);
    },
    set: (_: unknown, callback: sendUnaryData<{ state: ServiceState; changed: boolean }>) => {
      requests.push("set");
      answers.set?.(callback, requests.length);
    },
    ...Object.fromEntries(OTHERS.map((method) => [method, answerOther(method, answers)])),
    watchBackends: answers.watch ?? unexpected,
    deploy: answers.deploy ?? unexpected,
    watchDeploy: answers.watchDeploy ?? unexpected,
    watchDrain: answers.watchDrain ?? unexpected,
    watchFleet: answers.watchFleet ?? unexpected,
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
