import { SeamlessError, type GetResponse } from "@seamless/sdk";
import type { Command } from "commander";
import type { Run } from "./with-client.js";

/**
 * What is asked about the proxy itself: by the service that is named or, if none was and there is no `default` for the
 * caller, by the first that he may see.
 */
export async function getAboutProxy({ client, context }: Run, command: Command): Promise<GetResponse> {
  const { signal } = context;
  try {
    return await client.get({ signal });
  } catch (error) {
    const isMissing =
      error instanceof SeamlessError && ["SERVICE_NOT_FOUND", "PERMISSION_DENIED"].includes(error.code);
    if (!isMissing || command.getOptionValueSourceWithGlobals("service") !== "default") throw error;
    const [first] = await client.listServices({ signal });
    if (!first) throw error;
    return client.get({ service: first.service, signal });
  }
}
