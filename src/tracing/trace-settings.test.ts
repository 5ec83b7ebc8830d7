import assert from "node:assert/strict";
import { test } from "node:test";
import { readTraceSettings, type Environment } from "./trace-settings.js";

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" };

function settingsOf(environment: Environment) {
  const settings = readTraceSettings({ ...ENDPOINT, ...environment });
  assert.ok(settings);
  return settings;
}

test("nothing is traced unless an endpoint is named", () => {
  for (const environment of [
    {},
    { OTEL_EXPORTER_OTLP_ENDPOINT: " " },
    { OTEL_SERVICE_NAME: "x", OTEL_TRACES_SAMPLER: "always_on" },
    { ...ENDPOINT, OTEL_SDK_DISABLED: "TRUE" },
    { ...ENDPOINT, OTEL_TRACES_EXPORTER: "none" },
  ])
    assert.equal(readTraceSettings(environment), undefined, JSON.stringify(environment));
});

test("the endpoint of traces goes as it is, and before that of all signals, which gets the path of traces", () => {
  const common = (url: string) => settingsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: url }).url;
  assert.equal(common("http://c:4318"), "http://c:4318/v1/traces");
  assert.equal(common("https://c/otlp/?key=1"), "https://c/otlp/v1/traces?key=1");
  const own = (url: string) => settingsOf({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url }).url;
  assert.equal(own("http://c:4318"), "http://c:4318/");
  assert.equal(own("http://c/traces"), "http://c/traces");
});

test("what is not said has the defaults of the specification", () => {
  assert.deepEqual(settingsOf({}), {
    url: "http://collector:4318/v1/traces",
    timeoutMillis: undefined,
    serviceName: undefined,
    resourceAttributes: undefined,
    sampler: "parentbased_always_on",
    ratio: 1,
    batch: {
      scheduledDelayMillis: undefined,
      exportTimeoutMillis: undefined,
      maxQueueSize: undefined,
      maxExportBatchSize: undefined,
    },
  });
});

test("sampler, name and batches are as they are said", () => {
  const settings = settingsOf({
    OTEL_SERVICE_NAME: "edge",
    OTEL_RESOURCE_ATTRIBUTES: "a=b",
    OTEL_TRACES_SAMPLER: "traceidratio",
    OTEL_TRACES_SAMPLER_ARG: "0.25",
    OTEL_EXPORTER_OTLP_TIMEOUT: "5",
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: "7",
    OTEL_BSP_SCHEDULE_DELAY: "100",
    OTEL_BSP_MAX_QUEUE_SIZE: "-5",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
  });
  const { serviceName, resourceAttributes, sampler, ratio, batch, timeoutMillis } = settings;
  assert.deepEqual([serviceName, resourceAttributes, sampler, ratio], ["edge", "a=b", "traceidratio", 0.25]);
  assert.deepEqual([batch.scheduledDelayMillis, batch.maxQueueSize, timeoutMillis], [100, undefined, 7]);
});

const WRONG = [
  [{ OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, /grpc, and only http\/protobuf/],
  [{ OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/json" }, /http\/json/],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "user:s3cret@collector" }, /OTEL_EXPORTER_OTLP_ENDPOINT is no http/],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "ftp://c" }, /OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is no http/],
  [{ OTEL_TRACES_SAMPLER: "sometimes" }, /OTEL_TRACES_SAMPLER must be one of parentbased_always_on/],
  [{ OTEL_TRACES_SAMPLER_ARG: "2" }, /between 0 and 1/],
] as const;
for (const [environment, words] of WRONG) {
  test(`${JSON.stringify(environment)} is explained`, () => {
    assert.throws(
      () => readTraceSettings({ ...ENDPOINT, ...environment }),
      ({ message }: Error) => words.test(message) && !message.includes("s3cret"),
    );
  });
}
