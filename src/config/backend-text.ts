import { formatAddress, parseAddress } from "../address.js";
import type { BackendRequest } from "../control/management.js";
import { ProxyError } from "../errors.js";

/** A backend as people write it: `host:port`, or `host:port=weight`. @throws ProxyError */
export function parseBackendText(text: string): BackendRequest {
  const [, address = "", weight] = /^(.*?)(?:=(\d{1,9}))?$/s.exec(text.trim()) ?? [];
  const canonical = formatAddress(parseAddress(address));
  if (weight === undefined) return { address: canonical };
  if (Number(weight) >= 1 && Number(weight) <= 256) return { address: canonical, weight: Number(weight) };
  throw new ProxyError(
    "INVALID_ARGUMENT",
    `the weight of '${canonical}' is ${weight}, and must be between 1 and 256`,
  );
}
