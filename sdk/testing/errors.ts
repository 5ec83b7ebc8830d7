import assert from "node:assert/strict";
import { Metadata, type status } from "@grpc/grpc-js";
import { Any, ErrorInfo, Status } from "@seamless/proto";
import { SeamlessError } from "../errors.js";

/** For assert.throws and assert.rejects: a SeamlessError with these fields. */
export const failsWith = (expected: object) => (error: unknown) => {
  assert.ok(error instanceof SeamlessError, String(error));
  assert.ok(error.message.startsWith(`${error.code}: `));
  for (const [key, value] of Object.entries(expected))
    assert.deepEqual(error[key as keyof SeamlessError], value, key);
  return true;
};

/** An error as the proxy answers it. */
export function richError(
  reason: string,
  metadata: Record<string, string>,
  code: status,
  domain = "seamless",
): object {
  const info = ErrorInfo.encode({ reason, domain, metadata }).finish();
  const any = Any.create({ typeUrl: "type.googleapis.com/google.rpc.ErrorInfo", value: Buffer.from(info) });
  const trailer = new Metadata();
  trailer.set(
    "grpc-status-details-bin",
    Buffer.from(Status.encode({ code, message: "no", details: [any] }).finish()),
  );
  return { code, details: "no", metadata: trailer };
}
