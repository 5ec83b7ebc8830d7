import type { ConnectOptions, SeamlessClient } from "@seamless/sdk";
import type { Command } from "commander";
import type { Context } from "./context.js";
import type { GlobalOptions } from "./global-options.js";

/** What one run of a command works with. */
export interface Run {
  readonly client: SeamlessClient;
  readonly options: GlobalOptions;
  readonly context: Context;
}

/** Connects as the global options say, runs, and closes. */
export async function withClient(
  context: Context,
  command: Command,
  work: (run: Run) => Promise<void>,
): Promise<void> {
  const options = command.optsWithGlobals<GlobalOptions>();
  const { address, service, timeout: timeoutMs } = options;
  const { actor } = context;
  const client = context.connect({
    address,
    service,
    timeoutMs,
    ...(actor !== undefined && { actor }),
    ...credentialsOf(options),
  });
  try {
    await work({ client, options, context });
  } finally {
    client.close();
  }
}

function credentialsOf({
  tokenFile: token,
  tls,
  tlsCa: ca,
  tlsCert: cert,
  tlsKey: key,
}: GlobalOptions): Pick<ConnectOptions, "token" | "tls"> {
  const isTls = tls === true || [ca, cert, key].some((text) => text !== undefined);
  const files = {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
  return { ...(token !== undefined && { token }), ...(isTls && { tls: files }) };
}
