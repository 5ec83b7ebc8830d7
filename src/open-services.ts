import type { Config } from "./config/config.js";
import type { ControlPlane } from "./control/control-plane.js";
import type { ServiceRecord } from "./control/service-record.js";
import type { ServiceState } from "./control/service-state.js";
import { tellLifeCycle } from "./life-cycle.js";
import type { Logger } from "./logger.js";

export interface OpeningServices {
  readonly control: ControlPlane;
  readonly config: Config;
  /** What was saved, or is handed over. */
  readonly saved: readonly ServiceRecord[];
  /** Whether another process was using it until now. */
  readonly handedOver: boolean;
  readonly logger: Logger;
}

/** Those of the configuration, each with what was saved of it, then those that were created by requests. */
export async function openServices({
  control,
  config,
  saved,
  handedOver,
  logger,
}: OpeningServices): Promise<void> {
  const fresh = config.services.filter(({ name }) => saved.every((record) => record.name !== name));
  if (config.services.length > 1) await control.check(config.services, fresh);
  for (const configured of config.services) {
    const { name, backends } = configured;
    const known = saved.find((record) => record.name === name);
    const start = known ? { saved: known } : { backends };
    const service = await control.openService({ ...configured, start, configured });
    if (known && !handedOver) tellRestored(service.state(), config, logger);
  }
  for (const record of saved) {
    const { name, definition } = record;
    if (config.services.some((service) => service.name === name)) continue;
    if (definition) {
      await control.openService({ name, ...definition, start: { saved: record }, configured: undefined });
    } else {
      const facts = { event: "forgotten", service: name, backends: record.list.map(({ id }) => id) };
      logger.warn(facts, "the state has a service that is not in the configuration any more");
    }
  }
}

/** Accepts from now on, at all addresses. @throws ProxyError LISTEN_FAILED */
export async function enterServices(control: ControlPlane, engine: string, logger: Logger): Promise<void> {
  await control.enter();
  for (const service of control.services.values()) {
    const { service: name, listenAddresses: listen } = service.state();
    tellLifeCycle(logger, { event: "listening", service: name, listen, engine }, "listening");
  }
}

/** The state wins over the command line, and nobody should have to guess that. */
function tellRestored(
  { service, revision, backends }: ServiceState,
  { state: file }: Config,
  logger: Logger,
): void {
  const addresses = backends.map(({ address }) => address);
  const facts = { event: "restored", file, service, revision, backends: addresses };
  logger.info(
    facts,
    "the saved state is used, not the backends of the configuration (--reset-state would use those)",
  );
}
