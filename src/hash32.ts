const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** FNV-1a of 32 bits, and the last steps of MurmurHash3, so that what differs by little is far apart. Not against attackers. */
export function hash32(bytes: Iterable<number>, seed = FNV_OFFSET): number {
  let value = seed;
  for (const byte of bytes) value = Math.imul(value ^ byte, FNV_PRIME);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
