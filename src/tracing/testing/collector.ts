import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { decodeTraces, type CollectedSpan } from "./decode-traces.js";

export interface Collector {
  readonly url: string;
  readonly spans: readonly CollectedSpan[];
  /** Headers and length of each request. */
  readonly requests: readonly { readonly path: string; readonly headers: IncomingMessage["headers"] }[];
}

/** A small OTLP/HTTP collector. @param answer how it answers, once it has all of a request */
export async function startCollector(
  t: TestContext,
  answer: (response: ServerResponse) => void = (response) => response.end(),
): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const requests: { path: string; headers: IncomingMessage["headers"] }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      requests.push({ path: request.url ?? "", headers: request.headers });
      spans.push(...decodeTraces(Buffer.concat(chunks)));
      answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans, requests };
}
