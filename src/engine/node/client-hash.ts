import { ipBytes } from "../../address.js";
import { hash32 } from "../../hash32.js";

/**
 * Of the IP address of a client; those of Unix sockets, which have none, are one. The native engine has the same, so that another
 * engine sends no client elsewhere.
 */
export function clientHash(address: string): number {
  return hash32(address === "" ? [] : ipBytes(address));
}
