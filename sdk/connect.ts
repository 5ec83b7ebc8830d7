import { createClient, type SeamlessClient } from "./client.js";
import { type ConnectOptions, resolveOptions } from "./options.js";

/**
 * A client of the proxy at `options.address`. Nothing is connected until the first call, and a call waits for the
 * connection. A client that is idle does not keep the process alive.
 *
 * @param options - Default: the proxy at `127.0.0.1:6778`, service `default`, 10 s a call, 4 attempts.
 * @throws {@link SeamlessError} `INVALID_OPTIONS` naming the option that is wrong
 *
 * @example
 * ```ts
 * import { connect, SeamlessError } from "@seamless/sdk";
 *
 * const seamless = connect({ address: "127.0.0.1:6778" });
 * try {
 *   const { state } = await seamless.add(["localhost:4445"]);
 *   await seamless.remove(["localhost:4444"], { expectedRevision: state.revision });
 *   for await (const { backends } of seamless.watch()) {
 *     if (!backends.some(({ address }) => address === "localhost:4444")) break; // drained: safe to stop
 *   }
 * } catch (error) {
 *   if (error instanceof SeamlessError && error.code === "REVISION_MISMATCH") {
 *     console.error(`someone else changed the list; it is at revision ${error.currentRevision} now`);
 *   } else throw error;
 * } finally {
 *   seamless.close();
 * }
 * ```
 */
export function connect(options: ConnectOptions = {}): SeamlessClient {
  return createClient(resolveOptions(options));
}
