import {
  Histogram,
  type MetricType,
  type MetricObjectWithValues,
  type MetricValueWithName,
  type Registry,
} from "prom-client";
import type { BackendView } from "../control/service-state.js";

type TimeHistogram = BackendView["counters"]["connectTimes"];
type Values = MetricObjectWithValues<MetricValueWithName<string>>;

export type Labels = Readonly<Record<string, string>>;
export type HistogramSample = readonly [labels: Labels, times: TimeHistogram];

/** The enumeration is in prom-client's types only. */
const HISTOGRAM = "histogram" as unknown as MetricType;

/** Registers a histogram that was counted elsewhere. */
export function histogram(
  registry: Registry,
  name: string,
  help: string,
  samples: readonly HistogramSample[],
): void {
  registry.registerMetric(new Counted(name, help, samples));
}

/** prom-client's own can only be told value by value; the form is that of its Histogram.get. */
class Counted extends Histogram {
  readonly #answer: Values;

  constructor(name: string, help: string, samples: readonly HistogramSample[]) {
    super({ name, help, registers: [] });
    const values = samples.flatMap(([labels, times]) => valuesOf(name, labels, times));
    this.#answer = { name, help, type: HISTOGRAM, aggregator: "sum", values, collect: () => undefined };
  }

  override get(): Promise<Values> {
    return Promise.resolve(this.#answer);
  }

  /** What a registry prefers to `get`, and prom-client's types leave out. */
  getForPromString(): Promise<Values> {
    return this.get();
  }
}

function valuesOf(
  name: string,
  labels: Labels,
  { boundsS, counts, sumS }: TimeHistogram,
): MetricValueWithName<string>[] {
  let total = 0;
  const buckets = counts.map((count, i) => {
    total += count;
    return { metricName: `${name}_bucket`, labels: { ...labels, le: boundsS[i] ?? "+Inf" }, value: total };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sumS },
    { metricName: `${name}_count`, labels, value: total },
  ];
}
