import { ipBytes } from "../../proxy-header.js";

/**
 * FNV-1a of an IP address, and the last steps of MurmurHash3; that of clients of Unix sockets, which have none, is one. The native
 * engine has the same, so that another engine sends no client elsewhere.
 */
export function clientHash(address: string): number {
  let value = 0x811c9dc5;
  for (const byte of address === "" ? [] : ipBytes(address)) value = Math.imul(value ^ byte, 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
