/** Keeps the addresses of a target known for as long as a channel lives. */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import { type Address, NameUnresolved, type Resolver } from "./Resolver.ts"
import type { Target } from "./Target.ts"

export interface Findings {
  readonly found: (addresses: ReadonlyArray<Address>) => void
  /** Nothing could be found; what was found before stays true. */
  readonly missed: (why: NameUnresolved) => void
}

/** Two searches are at least so far apart, whatever goes wrong. */
const shortestPause = "200 millis"

/**
 * Looks for the target's addresses every `intervalMs`, and soon after the returned function is called. An address that
 * is not a balanced name is itself the only one.
 */
export const discover = (
  target: Target,
  resolver: Resolver,
  intervalMs: number,
  findings: Findings,
): Effect.Effect<() => void, never, Scope.Scope> =>
  Effect.gen(function* () {
    if (!target.balanced) {
      findings.found([target])
      return () => {}
    }
    const trouble = Latch.makeUnsafe()
    let isMissing = false
    const search = Effect.filterOrFail(
      resolver.resolve(target.host, target.port),
      (addresses) => addresses.length > 0,
      () => new NameUnresolved({ name: target.host, reason: "it has no address" }),
    )
    const look = Effect.matchEffect(search, {
      onSuccess: (addresses) =>
        Effect.sync(() => {
          isMissing = false
          findings.found(addresses)
        }),
      onFailure: (why) =>
        Effect.suspend(() => {
          const isNews = !isMissing
          isMissing = true
          findings.missed(why)
          return isNews ? Effect.logWarning(`${target.host} cannot be resolved: ${why.reason}`) : Effect.void
        }),
    })
    const pause = Effect.andThen(
      Effect.sleep(shortestPause),
      Effect.race(Effect.sleep(intervalMs), Latch.await(trouble)),
    )
    yield* Effect.sync(() => Latch.closeUnsafe(trouble)).pipe(
      Effect.andThen(look),
      Effect.andThen(pause),
      Effect.forever,
      Effect.forkScoped({ startImmediately: true }),
    )
    return () => void Latch.openUnsafe(trouble)
  })
