import type { Context } from "./context.js";

/** For the watches of the SDK, which connect again by themselves: says so. */
export function tellReconnects({ stderr }: Pick<Context, "stderr">): (error: Error) => void {
  return ({ message }) => void stderr.write(`seamlessctl: connection lost, connecting again (${message})\n`);
}
