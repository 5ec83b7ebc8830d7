import type { IncomingMessage } from "node:http";

const MAX_BODY_BYTES = 8 * 1024;

/** The parameters in the body of a POST, none if it is no form; "too large" if it is. */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams | "too large"> {
  const isForm = /^\s*application\/x-www-form-urlencoded\s*(;|$)/i.test(
    request.headers["content-type"] ?? "",
  );
  if (request.method !== "POST" || !isForm) return new URLSearchParams();
  const chunks: Buffer[] = [];
  let bytes = 0;
  // The request stays whole, because the answer to one that is too large needs its connection.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return "too large";
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString());
}
