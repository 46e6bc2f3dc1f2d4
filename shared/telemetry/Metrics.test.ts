import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import { metricsText } from "./Metrics.ts"

it.effect("all metrics of the process are told in Prometheus' text format", () =>
  Effect.gen(function* () {
    const counter = Metric.counter("test_things_total", { description: "Things\nseen", incremental: true })
    yield* Metric.update(Metric.withAttributes(counter, { kind: 'a"b\\c' }), 2)
    yield* Metric.update(Metric.withAttributes(counter, { kind: "plain" }), 1)
    const latency = Metric.histogram("test_latency_seconds", { boundaries: [0.1, 1] })
    for (const value of [0.05, 0.5, 5]) yield* Metric.update(latency, value)
    const text = yield* metricsText
    assert.include(
      text,
      '# HELP test_things_total Things\\nseen\n# TYPE test_things_total counter\ntest_things_total{kind="a\\"b\\\\c"} 2\ntest_things_total{kind="plain"} 1\n',
    )
    assert.include(
      text,
      [
        "# TYPE test_latency_seconds histogram",
        'test_latency_seconds_bucket{le="0.1"} 1',
        'test_latency_seconds_bucket{le="1"} 2',
        'test_latency_seconds_bucket{le="+Inf"} 3',
        "test_latency_seconds_sum 5.55",
        "test_latency_seconds_count 3",
      ].join("\n"),
    )
    assert.match(text, /^process_resident_memory_bytes \d+$/m)
    assert.match(text, /^process_cpu_seconds_total [\d.]+$/m)
    assert.match(text, /^nodejs_eventloop_lag_seconds [\d.e-]+$/m)
  }),
)

it.effect("CPU time is counted once, however often it is read", () =>
  Effect.gen(function* () {
    const read = Effect.map(metricsText, (text) => Number(/^process_cpu_seconds_total (.*)$/m.exec(text)?.[1]))
    const first = yield* read
    const second = yield* read
    assert.isAtLeast(second, first)
    const { user, system } = process.cpuUsage()
    assert.isAtMost(second, (user + system) / 1e6)
  }),
)
