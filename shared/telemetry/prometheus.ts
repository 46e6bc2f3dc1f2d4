/**
 * The text exposition format 0.0.4 of Prometheus. Effect has its own formatter, but behind its HTTP router, which costs
 * 25 MB of a process that uses none of it.
 */
import type * as Metric from "effect/Metric"

type Labels = ReadonlyArray<readonly [string, string]>

const escapeLabel = (value: string) => value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")
const escapeHelp = (text: string) => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")
const metricName = (id: string) => id.replace(/[^a-zA-Z0-9_:]/g, "_").replace(/^(?=\d)/, "_")
const labelName = (key: string) => key.replace(/[^a-zA-Z0-9_]/g, "_").replace(/^(?=\d)/, "_")

/** Effect notes the unit of a timer as an attribute; Prometheus wants it in the name only. */
const labelsOf = (metric: Metric.Metric.Snapshot): Labels =>
  Object.entries(metric.attributes ?? {}).filter(([key]) => key !== "unit" && key !== "time_unit")

const line = (name: string, labels: Labels, value: number | bigint): string => {
  const inner = labels.map(([key, text]) => `${labelName(key)}="${escapeLabel(text)}"`).join(",")
  return `${name}${inner === "" ? "" : `{${inner}}`} ${number(value)}`
}

const number = (value: number | bigint): string => {
  if (value === Number.POSITIVE_INFINITY) return "+Inf"
  return value === Number.NEGATIVE_INFINITY ? "-Inf" : String(value)
}

const types = {
  Counter: "counter",
  Gauge: "gauge",
  Frequency: "counter",
  Histogram: "histogram",
  Summary: "summary",
} as const

const samples = (name: string, metric: Metric.Metric.Snapshot): ReadonlyArray<string> => {
  const labels = labelsOf(metric)
  switch (metric.type) {
    case "Counter":
      return [line(name, labels, metric.state.count)]
    case "Gauge":
      return [line(name, labels, metric.state.value)]
    case "Frequency":
      return Array.from(metric.state.occurrences, ([key, count]) => line(name, [...labels, ["key", key]], count))
    case "Histogram":
      return [
        ...metric.state.buckets
          .filter(([boundary]) => Number.isFinite(boundary))
          .map(([boundary, count]) => line(`${name}_bucket`, [...labels, ["le", String(boundary)]], count)),
        line(`${name}_bucket`, [...labels, ["le", "+Inf"]], metric.state.count),
        line(`${name}_sum`, labels, metric.state.sum),
        line(`${name}_count`, labels, metric.state.count),
      ]
    case "Summary":
      return [
        ...metric.state.quantiles.map(([quantile, value]) =>
          line(name, [...labels, ["quantile", String(quantile)]], value ?? Number.NaN),
        ),
        line(`${name}_sum`, labels, metric.state.sum),
        line(`${name}_count`, labels, metric.state.count),
      ]
  }
}

/** All metrics of a snapshot; those of one name stand together under one HELP and TYPE, as the format demands. */
export const formatMetrics = (snapshot: ReadonlyArray<Metric.Metric.Snapshot>): string =>
  Array.from(
    Map.groupBy(snapshot, (metric) => metricName(metric.id)),
    ([name, [first, ...rest]]) =>
      first === undefined
        ? ""
        : [
            ...(first.description === undefined ? [] : [`# HELP ${name} ${escapeHelp(first.description)}`]),
            `# TYPE ${name} ${types[first.type]}`,
            ...[first, ...rest].flatMap((metric) => samples(name, metric)),
            "",
          ].join("\n"),
  ).join("")
