import type { Metadata } from "@grpc/grpc-js";

const ACTOR_HEADER = "seamless-actor";
const MAX_ACTOR = 128;

/** Who asks: what the caller says of itself (noted, not verified), or else where it called from. */
export function actorOf({ metadata, getPeer }: { metadata: Metadata; getPeer: () => string }): string {
  const [said] = metadata.get(ACTOR_HEADER);
  return (typeof said === "string" ? readable(said) : "") || `grpc ${getPeer()}`;
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
