import type { Server } from "node:net";

/** The descriptor of a listening server, which node:net does not tell; libuv's handle has it since Node 0.x. */
export function descriptorOf(server: Server): number {
  return (server as unknown as { readonly _handle: { readonly fd: number } })._handle.fd;
}
