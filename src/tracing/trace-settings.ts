import { ProxyError } from "../errors.js";

/**
 * Where traces go, and which, by OpenTelemetry's environment variables. What concerns only the way there
 * (`OTEL_EXPORTER_OTLP_HEADERS`, `_COMPRESSION`, `_CERTIFICATE`, …) the exporter reads by itself.
 */
export interface TraceSettings {
  readonly url: string;
  /** For one batch, with all its retries; undefined: the exporter's default. */
  readonly timeoutMillis: number | undefined;
  readonly serviceName: string | undefined;
  /** `OTEL_RESOURCE_ATTRIBUTES`, unparsed. */
  readonly resourceAttributes: string | undefined;
  readonly sampler: SamplerName;
  /** Share of the traces that begin here, 0 to 1. */
  readonly ratio: number;
  readonly batch: BatchSettings;
}

/** How spans are gathered; undefined: the SDK's default. */
export interface BatchSettings {
  readonly scheduledDelayMillis: number | undefined;
  readonly exportTimeoutMillis: number | undefined;
  readonly maxQueueSize: number | undefined;
  readonly maxExportBatchSize: number | undefined;
}

export const SAMPLER_NAMES = [
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
  "always_on",
  "always_off",
  "traceidratio",
] as const;
export type SamplerName = (typeof SAMPLER_NAMES)[number];

export type Environment = Readonly<Record<string, string | undefined>>;

/** What is said of a variable; undefined: nothing. */
type Said = (name: string) => string | undefined;

/**
 * The settings; undefined if nobody asks for traces.
 * @throws ProxyError CONFIG_INVALID
 */
export function readTraceSettings(environment: Environment): TraceSettings | undefined {
  const said: Said = (name) => {
    const text = environment[name]?.trim();
    return text === "" ? undefined : text;
  };
  if (isOff(said)) return undefined;
  const protocol = said("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") ?? said("OTEL_EXPORTER_OTLP_PROTOCOL");
  if (protocol !== undefined && protocol !== PROTOCOL)
    throw invalid(`OTEL_EXPORTER_OTLP_PROTOCOL is ${protocol}, and only ${PROTOCOL} is spoken here`);
  return { url: readUrl(said), ...readSampler(said), ...readOthers(said) };
}

function isOff(said: Said): boolean {
  if (said("OTEL_SDK_DISABLED")?.toLowerCase() === "true" || said("OTEL_TRACES_EXPORTER") === "none")
    return true;
  return (said(OWN_ENDPOINT) ?? said(COMMON_ENDPOINT)) === undefined;
}

function readUrl(said: Said): string {
  const endpoint = said(OWN_ENDPOINT) === undefined ? COMMON_ENDPOINT : OWN_ENDPOINT;
  const text = said(endpoint) ?? "";
  // The text is not repeated: a URL may have a password in it.
  if (!/^https?:/i.test(text) || !URL.canParse(text))
    throw invalid(`${endpoint} is no http:// or https:// URL`);
  const url = new URL(text);
  // One that is for all signals has a path below for each.
  if (endpoint === COMMON_ENDPOINT) url.pathname = `${url.pathname.replace(/\/$/, "")}/v1/traces`;
  return url.href;
}

function readSampler(said: Said): Pick<TraceSettings, "sampler" | "ratio"> {
  const name = said("OTEL_TRACES_SAMPLER") ?? SAMPLER_NAMES[0];
  const sampler = SAMPLER_NAMES.find((known) => known === name);
  if (!sampler) throw invalid(`OTEL_TRACES_SAMPLER must be one of ${SAMPLER_NAMES.join(", ")}`);
  const ratio = Number(said("OTEL_TRACES_SAMPLER_ARG") ?? 1);
  if (!(ratio >= 0 && ratio <= 1)) throw invalid("OTEL_TRACES_SAMPLER_ARG must be between 0 and 1");
  return { sampler, ratio };
}

/** What can't be wrong. */
function readOthers(said: Said): Omit<TraceSettings, "url" | "sampler" | "ratio"> {
  return {
    timeoutMillis: count(said("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT") ?? said("OTEL_EXPORTER_OTLP_TIMEOUT")),
    serviceName: said("OTEL_SERVICE_NAME"),
    resourceAttributes: said("OTEL_RESOURCE_ATTRIBUTES"),
    batch: {
      scheduledDelayMillis: count(said("OTEL_BSP_SCHEDULE_DELAY")),
      exportTimeoutMillis: count(said("OTEL_BSP_EXPORT_TIMEOUT")),
      maxQueueSize: count(said("OTEL_BSP_MAX_QUEUE_SIZE")),
      maxExportBatchSize: count(said("OTEL_BSP_MAX_EXPORT_BATCH_SIZE")),
    },
  };
}

const OWN_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const COMMON_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT";
const PROTOCOL = "http/protobuf";

const invalid = (what: string): ProxyError => new ProxyError("CONFIG_INVALID", what);

/** As the SDK does, what is no number counts as not said. */
function count(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}
