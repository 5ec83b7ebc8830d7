import { ProxyError } from "../../errors.js";
import { formatListenAddress } from "../../listen-address.js";
import { isLoopback } from "../../loopback.js";
import type { ManagementAddress } from "../management-socket.js";
import type { CredentialPaths } from "./credential-files.js";

/**
 * Whoever can change a backend reads all new traffic, so what others can reach needs TLS and a credential.
 * @throws ProxyError INVALID_ARGUMENT
 */
export function requireCredentials(
  { tlsCert, tokens, tlsClientCa }: CredentialPaths,
  addresses: readonly (ManagementAddress | undefined)[],
): void {
  const open = addresses.find((address) => address && !("path" in address) && !isLoopback(address.host));
  if (!open || (tlsCert !== undefined && (tokens ?? tlsClientCa) !== undefined)) return;
  throw new ProxyError(
    "INVALID_ARGUMENT",
    `management on ${formatListenAddress(open)} could be reached from other machines: give --tls-cert and --tls-key, and --tokens or --tls-client-ca, or use a loopback address or unix:/path`,
  );
}
