import { Balance, type ServiceSettings as ProtoServiceSettings } from "@seamless/proto";
import type { Balancing } from "../control/balancing.js";
import type { ServiceSettings, SettingsRequest } from "../control/service-settings.js";
import { ProxyError } from "../errors.js";
import { fromProtoHealthCheck, toProtoHealthCheck } from "./health-proto.js";

const BALANCES: Readonly<Record<Balancing, Balance>> = {
  round_robin: Balance.ROUND_ROBIN,
  least_connections: Balance.LEAST_CONNECTIONS,
  source_hash: Balance.SOURCE_HASH,
  random_two_choices: Balance.RANDOM_TWO_CHOICES,
};

export function toProtoSettings(settings: ServiceSettings): ProtoServiceSettings {
  const { acceptProxyFrom, balance, healthCheck } = settings;
  return {
    ...settings,
    acceptProxyFrom: [...acceptProxyFrom],
    balance: BALANCES[balance],
    healthCheck: healthCheck && toProtoHealthCheck(healthCheck),
  };
}

/** @throws ProxyError INVALID_ARGUMENT */
export function fromProtoSettings(settings: ProtoServiceSettings | undefined): SettingsRequest {
  return {
    ...settings,
    balance: fromProtoBalance(settings?.balance ?? Balance.UNSPECIFIED),
    healthCheck: fromProtoHealthCheck(settings?.healthCheck),
  };
}

function fromProtoBalance(balance: Balance): Balancing | undefined {
  if (balance === Balance.UNSPECIFIED) return undefined;
  const ways = Object.keys(BALANCES) as Balancing[];
  const found = ways.find((way) => BALANCES[way] === balance);
  if (found) return found;
  throw new ProxyError("INVALID_ARGUMENT", `balance ${balance} is not known to this version of the proxy`);
}
