import assert from "node:assert/strict";
import { test } from "node:test";
import { Metadata, status, type ServerUnaryCall } from "@grpc/grpc-js";
import type { GetRequest, GetResponse, SetRequest, SetResponse } from "@seamless/proto";
import { pino } from "pino";
import { createAccess } from "./access/access.js";
import { createCalls } from "./calls.js";
import { createGrpcHandlers } from "./grpc-handlers.js";
import { createGate } from "./testing/waiting.js";
import { ManagementRefusals } from "./management-refusals.js";
import { FakeManagement } from "./testing/fake-management.js";
import { Peers } from "./peers.js";
import { createStreams } from "./streams.js";

const logger = pino({ enabled: false });
const metadata = new Metadata();
const getAuthContext = (): object => ({});
const getPeer = (): string => "test";

function handlersOf(management: FakeManagement): ReturnType<typeof createGrpcHandlers> {
  return createGrpcHandlers(
    management,
    createCalls({
      management,
      access: createAccess(() => undefined),
      refusals: new ManagementRefusals(),
      logger,
      streams: createStreams(logger, new Peers(() => undefined)),
    }),
  );
}

test("a call that takes longer than 30 s is answered with DEADLINE_EXCEEDED", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const management = new FakeManagement();
  management.onAsk = (ask) => (ask === "set" ? new Promise(() => undefined) : undefined);
  const call = {
    request: { service: "", backends: [] },
    metadata,
    getPeer,
    getAuthContext,
  } as unknown as ServerUnaryCall<SetRequest, SetResponse>;
  let code: status | undefined;
  const answered = createGate();
  handlersOf(management).set(call, (error) => {
    code = error?.code;
    answered.open();
  });
  t.mock.timers.tick(29_999);
  await new Promise(setImmediate);
  assert.equal(code, undefined);
  t.mock.timers.tick(1);
  await answered.opened;
  assert.equal(code, status.DEADLINE_EXCEEDED);
});

test("a call that has been answered leaves no timer behind", async (t) => {
  const started = t.mock.method(globalThis, "setTimeout").mock;
  const cleared = t.mock.method(globalThis, "clearTimeout").mock;
  const call = { request: { service: "" }, metadata, getPeer, getAuthContext } as unknown as ServerUnaryCall<
    GetRequest,
    GetResponse
  >;
  await new Promise<void>((resolve) => handlersOf(new FakeManagement()).get(call, () => resolve()));
  assert.equal(started.callCount(), 1);
  assert.deepEqual(cleared.calls[0]?.arguments, [started.calls[0]?.result]);
});
