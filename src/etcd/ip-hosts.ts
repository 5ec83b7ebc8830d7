import { isIP } from "node:net";
import type { ChannelCredentials } from "@grpc/grpc-js";

/**
 * The same credentials, for channels to a server that is known by its address alone. grpc-js tells it that address as the
 * name that it wants to talk to, which TLS has only for names (RFC 6066) and of which Node warns (DEP0123). Without it
 * Node checks the certificate against the host, and so against the addresses that the certificate is for.
 */
export function withoutAddressAsName(credentials: ChannelCredentials): ChannelCredentials {
  const create: ChannelCredentials["_createSecureConnector"] = (...args) => {
    const connector = credentials._createSecureConnector(...args);
    const { connectionOptions: options } = connector as { connectionOptions?: { servername?: string } };
    if (options && isIP(options.servername ?? "") !== 0) delete options.servername;
    return connector;
  };
  return Object.create(credentials, { _createSecureConnector: { value: create } }) as ChannelCredentials;
}
