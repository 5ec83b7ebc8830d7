import type { Metadata, ServerUnaryCall, ServerWritableStream } from "@grpc/grpc-js";
import type { Access, Credentials } from "./access/access.js";
import type { Author } from "../control/history.js";
import type { Principal } from "./access/principal.js";

/** Who asks, as far as it is known. */
export interface Caller extends Author {
  readonly principal: Principal;
}

type Call = Pick<ServerUnaryCall<unknown, unknown>, "metadata" | "getPeer" | "getAuthContext">;
export type AnyCall = Call | ServerWritableStream<never, never>;

const ACTOR_HEADER = "seamless-actor";
const MAX_ACTOR = 128;

/** @throws ProxyError UNAUTHENTICATED */
export function identifyCaller(call: Call, access: Access): Caller {
  const from = call.getPeer();
  const principal = access.identify({
    authorization: textOf(call.metadata, "authorization"),
    certificate: certificateOf(call),
  });
  return { principal, actor: actorOf(principal.name, saidActor(call.metadata), `grpc ${from}`), from };
}

/** A verified name goes first; what else the caller says is noted, not verified. */
export function actorOf(verified: string, said: string, from: string): string {
  if (verified === "") return said || from;
  return said === "" ? verified : `${verified} (${said})`;
}

function certificateOf(call: Call): Credentials["certificate"] {
  const { sslPeerCertificate } = call.getAuthContext();
  const subject = sslPeerCertificate?.subject as { CN?: string | string[] } | undefined;
  if (!subject) return undefined;
  return `certificate ${readable(String(subject.CN ?? "without a name"))}`;
}

function saidActor(metadata: Metadata): string {
  return readable(textOf(metadata, ACTOR_HEADER) ?? "");
}

/** The first value of a header, if it is text. */
export function textOf(metadata: Metadata, name: string): string | undefined {
  const [value] = metadata.get(name);
  return typeof value === "string" ? value : undefined;
}

/** Percent-encoded, since a header is ASCII; without what would disturb a log or a terminal. */
function readable(header: string): string {
  let text = header;
  try {
    text = decodeURIComponent(header);
  } catch {
    // Not encoded, then.
  }
  return text
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "")
    .trim()
    .slice(0, MAX_ACTOR);
}
