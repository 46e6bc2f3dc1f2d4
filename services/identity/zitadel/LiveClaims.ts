/** The claims of a user as the database has them now. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { type UserId, UserNotFound } from "../users/User.ts"
import { ClaimantStore } from "./ClaimantStore.ts"
import { type ClaimSet, claimsOf } from "./claims.ts"

export type ReadClaims = Effect.Effect<ClaimSet, UserNotFound | DatabaseFailed>

export class LiveClaims extends Context.Service<LiveClaims, { readonly read: (id: UserId) => ReadClaims }>()(
  "identity/LiveClaims",
) {
  /** By one indexed read. */
  static readonly layer = Layer.effect(
    LiveClaims,
    Effect.map(ClaimantStore, (store) =>
      LiveClaims.of({
        read: (id) =>
          Effect.flatMap(store.find(id), (found) =>
            Option.isSome(found) ? Effect.succeed(claimsOf(found.value)) : Effect.fail(new UserNotFound()),
          ),
      }),
    ),
  )

  /** As the one beneath, but tries again where the database is away; for as long as the caller waits, and twice at most. */
  static readonly layerRetried = Layer.effect(
    LiveClaims,
    Effect.map(LiveClaims, ({ read }) =>
      LiveClaims.of({
        // What is needed to try again is not made before something has failed.
        read: (id) => Effect.catchTag(read(id), "DatabaseFailed", (error) => again(read(id), error)),
      }),
    ),
  )
}

const pauses = Schedule.jittered(Schedule.exponential("25 millis"))

const again = (read: ReadClaims, error: DatabaseFailed): ReadClaims =>
  error.away
    ? read.pipe(
        Effect.delay("25 millis"),
        Effect.retry({ schedule: pauses, times: 1, while: (next) => next._tag === "DatabaseFailed" && next.away }),
      )
    : Effect.fail(error)
