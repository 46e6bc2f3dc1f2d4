import * as Effect from "effect/Effect"
import { freePorts, isFree } from "#shared/servers/Ports.ts"
import { ClusterFailed } from "./Cluster.ts"

/** `count` ports: those of before, so that whoever knows them need not learn others, and free ones for what is taken. */
export const portsFor = Effect.fnUntraced(function* (
  before: ReadonlyArray<number>,
  count: number,
): Effect.fn.Return<ReadonlyArray<number>, ClusterFailed> {
  const kept = yield* Effect.filter(before.slice(0, count), isFree)
  if (kept.length === count) return kept
  return yield* Effect.mapError(freePorts(count), ({ message }) => new ClusterFailed({ reason: message }))
})
