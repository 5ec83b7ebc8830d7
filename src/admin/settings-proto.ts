import type { ServiceSettings as ProtoServiceSettings } from "@seamless/proto";
import type { ServiceSettings, SettingsRequest } from "../control/service-settings.js";
import { fromProtoHealthCheck, toProtoHealthCheck } from "./health-proto.js";

export function toProtoSettings(settings: ServiceSettings): ProtoServiceSettings {
  const { acceptProxyFrom, healthCheck } = settings;
  return {
    ...settings,
    acceptProxyFrom: [...acceptProxyFrom],
    healthCheck: healthCheck && toProtoHealthCheck(healthCheck),
  };
}

/** @throws ProxyError INVALID_ARGUMENT */
export function fromProtoSettings(settings: ProtoServiceSettings | undefined): SettingsRequest {
  return { ...settings, healthCheck: fromProtoHealthCheck(settings?.healthCheck) };
}
