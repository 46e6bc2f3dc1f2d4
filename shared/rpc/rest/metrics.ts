/** Counts and times of REST requests, by route and status. */
import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"

const requests = Metric.counter("http_requests_total", { description: "REST requests answered, by route and status." })
const durations = Metric.histogram("http_request_duration_seconds", {
  description: "Time to the answer of a REST request, by route.",
  boundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
})

/** Attributes are bound once for each endpoint and status, of which there are few: a request costs two updates. */
export const observeHttp = (context: Context.Context<never>) => {
  const endpoints = new Map<
    string,
    { readonly duration: typeof durations; readonly counters: Map<number, typeof requests> }
  >()
  const endpointOf = (endpoint: string) => {
    const made = { duration: Metric.withAttributes(durations, { endpoint }), counters: new Map() }
    endpoints.set(endpoint, made)
    return made
  }
  const counterOf = (counters: Map<number, typeof requests>, endpoint: string, status: number) => {
    const made = Metric.withAttributes(requests, { endpoint, status: String(status) })
    counters.set(status, made)
    return made
  }
  return (endpoint: string, status: number, millis: number): void => {
    const { duration, counters } = endpoints.get(endpoint) ?? endpointOf(endpoint)
    const counter = counters.get(status) ?? counterOf(counters, endpoint, status)
    counter.updateUnsafe(1, context)
    duration.updateUnsafe(millis / 1000, context)
  }
}
