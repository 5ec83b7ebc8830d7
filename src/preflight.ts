import type { Config } from "./config/config.js";
import type { ListenAddress } from "./engine/engine.js";
import { requireFree } from "./free-address.js";
import { MANAGEMENT_OWNERS, type GivenSockets } from "./supervisor/activation.js";

/**
 * Refuses what would end the start after the first clients have been accepted, as far as that can be known before: files with
 * credentials that can't be used, and addresses that are in use. The one that is opened first is as good as tried.
 * @throws ProxyError CONFIG_INVALID, LISTEN_FAILED
 */
export async function checkBeforehand(config: Config, sockets: GivenSockets): Promise<void> {
  await checkCredentials(config);
  const [, ...others] = config.services.flatMap(({ name, listen }) => notGiven(name, listen, sockets));
  const management = (["grpc", "http"] as const).flatMap((part) =>
    config[part] ? notGiven(MANAGEMENT_OWNERS[part], [config[part]], sockets) : [],
  );
  for (const address of [...management, ...others]) await requireFree(address);
}

/** What reads them takes its time to load, also for those who have none. */
async function checkCredentials({ credentials }: Config): Promise<void> {
  if (Object.values(credentials).every((path) => path === undefined)) return;
  const { requireUsable } = await import("./admin/access/credential-files.js");
  requireUsable(credentials);
}

function notGiven(
  owner: string,
  listen: readonly ListenAddress[],
  sockets: GivenSockets,
): readonly ListenAddress[] {
  const given = sockets.of(owner, listen);
  return listen.filter((address) => !given.has(address));
}
