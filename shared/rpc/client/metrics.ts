/** What a client counts: calls by rpc and outcome, retries by rpc, connections and ejections by target. */
import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import type { PublicError } from "../PublicError.ts"

export interface RpcObserver {
  readonly succeeded: () => void
  readonly failed: (error: Pick<PublicError, "reason">) => void
  readonly retried: () => void
}

/** Counts the calls of one rpc. The series are found once: a call costs one update. */
export const observeRpc = (rpc: string, context: Context.Context<never>): RpcObserver => {
  const outcomes = new Map<string, Metric.Counter<number>>()
  const series = (outcome: string): Metric.Counter<number> => {
    const known = outcomes.get(outcome)
    if (known !== undefined) return known
    const made = Metric.counter("rpc_client_requests_total", {
      description: "Calls made, by rpc and outcome.",
      attributes: { rpc, outcome },
    })
    outcomes.set(outcome, made)
    return made
  }
  const ok = series("ok")
  const retries = Metric.counter("rpc_client_retries_total", {
    description: "Attempts beyond the first, by rpc.",
    attributes: { rpc },
  })
  return {
    succeeded: () => ok.updateUnsafe(1, context),
    failed: ({ reason }) => series(reason.toLowerCase()).updateUnsafe(1, context),
    retried: () => retries.updateUnsafe(1, context),
  }
}

export interface TargetObserver {
  readonly ejected: () => void
  readonly connections: (open: number) => void
}

/** Counts what happens to the connections of one target, such as "billing:9084". */
export const observeTarget = (target: string, context: Context.Context<never>): TargetObserver => {
  const ejections = Metric.counter("rpc_client_ejections_total", {
    description: "Times that an endpoint of the target was left out for a while.",
    attributes: { target },
  })
  const open = Metric.gauge("rpc_client_connections", {
    description: "Connections to the target's endpoints.",
    attributes: { target },
  })
  return {
    ejected: () => ejections.updateUnsafe(1, context),
    connections: (count) => open.updateUnsafe(count, context),
  }
}
