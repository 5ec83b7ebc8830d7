import { isIP } from "node:net";
import { ProxyError } from "./errors.js";

/**
 * Reads a network, such as `10.0.0.0/8`, `2001:db8::/32` or a single address, and answers it with its length.
 * @throws ProxyError INVALID_ARGUMENT
 */
export function parseNetwork(text: string): string {
  const [address = "", length, ...more] = text.split("/");
  const bits = { 4: 32, 6: 128 }[isIP(address)];
  const isRight = length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= (bits ?? 0));
  if (bits !== undefined && isRight && more.length === 0 && !address.includes("%"))
    return `${address}/${length === undefined ? bits : Number(length)}`;
  throw new ProxyError(
    "INVALID_ARGUMENT",
    `'${text.slice(0, 80)}' is no network: expected an IP address, or one with a length as in 10.0.0.0/8`,
  );
}
