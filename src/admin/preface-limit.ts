import type { Socket } from "node:net";

/** Every client of HTTP/2 begins with so many bytes, at once; one with TLS says more. */
const PREFACE_BYTES = 24;
const PREFACE_LIMIT_MS = 5_000;

/** For a connection that does not begin to speak: silent ones would use up those that are allowed. */
export function limitPreface(socket: Socket, onSilent: () => void, limitMs = PREFACE_LIMIT_MS): void {
  const limit = setTimeout(() => {
    if (socket.bytesRead < PREFACE_BYTES) onSilent();
  }, limitMs);
  socket.on("close", () => clearTimeout(limit));
}
