/** What `/metrics` answers: all Effect metrics of the process, and the process itself, as Prometheus text. */
import { monitorEventLoopDelay } from "node:perf_hooks"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import { formatMetrics } from "./prometheus.ts"

const resident = Metric.gauge("process_resident_memory_bytes", { description: "Resident memory size" })
const heap = Metric.gauge("nodejs_heap_size_used_bytes", { description: "Heap in use" })
const cpu = Metric.counter("process_cpu_seconds_total", { description: "User and system CPU time", incremental: true })
const lag = Metric.gauge("nodejs_eventloop_lag_seconds", {
  description: "99th percentile of how late the event loop was since the last reading",
})

const resolutionMillis = 20
let delay: ReturnType<typeof monitorEventLoopDelay> | undefined
let countedCpu = 0

/** Watched from the first reading on. */
const eventLoopDelay = () => {
  if (delay === undefined) {
    delay = monitorEventLoopDelay({ resolution: resolutionMillis })
    delay.enable()
  }
  return delay
}

const observeProcess = Effect.gen(function* () {
  const { rss, heapUsed } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  const seconds = (user + system) / 1e6
  const watched = eventLoopDelay()
  const late = watched.count === 0 ? 0 : Math.max(0, watched.percentile(99) / 1e9 - resolutionMillis / 1000)
  watched.reset()
  yield* Metric.update(resident, rss)
  yield* Metric.update(heap, heapUsed)
  yield* Metric.update(lag, late)
  yield* Metric.update(cpu, seconds - countedCpu)
  countedCpu = seconds
})

/** The text format 0.0.4 of Prometheus; content type `text/plain; version=0.0.4; charset=utf-8`. */
export const metricsText: Effect.Effect<string> = Effect.andThen(
  observeProcess,
  Effect.map(Metric.snapshot, formatMetrics),
)
