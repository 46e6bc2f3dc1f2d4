/** The claims of a user, each time with where they came from. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import { DatabaseFailed } from "../database/DatabaseFailed.ts"
import type { UserId, UserNotFound } from "../users/User.ts"
import { ClaimsCache } from "./ClaimsCache.ts"
import type { ClaimSet, ClaimsOrigin } from "./claims.ts"
import type { Subject } from "./FunctionCall.ts"
import { LiveClaims } from "./LiveClaims.ts"

export interface SourcedClaims {
  readonly claims: ClaimSet
  readonly origin: ClaimsOrigin
}

export class UserClaims extends Context.Service<
  UserClaims,
  {
    /** What the database says, or a cache that follows it. */
    readonly live: (id: UserId) => Effect.Effect<SourcedClaims, UserNotFound | DatabaseFailed>
    /**
     * An answer in any case, so that nobody's login depends on us: live, if that can be had within `patience`; else the
     * last known, from Redis or from our notes in Zitadel; else what Zitadel itself knows. Of a user who is not there (any more) that is all there is.
     */
    readonly best: (subject: Subject, patience: Duration.Input) => Effect.Effect<SourcedClaims>
  }
>()("identity/UserClaims") {
  static readonly layer = Layer.effect(
    UserClaims,
    Effect.gen(function* () {
      const database = yield* LiveClaims
      const cache = yield* ClaimsCache

      /** For when there is nothing live: the last known, where the failure says nothing against the user. */
      const instead =
        (id: UserId, { noted, known }: Subject) =>
        (error: UserNotFound | DatabaseFailed) =>
          error._tag === "UserNotFound"
            ? Effect.succeed(fallback(known))
            : told(error).pipe(
                Effect.andThen(cache.last(id)),
                Effect.map(Option.orElse(() => noted)),
                Effect.map(Option.match({ onNone: () => fallback(known), onSome: lastKnown })),
              )

      return UserClaims.of({
        live: (id) => counted(Effect.map(cache.following(id, database.read(id)), live)),
        best: (subject, patience) =>
          Option.match(subject.id, {
            onNone: () => Effect.succeed(fallback(subject.known)),
            onSome: (user) =>
              cache.remembering(user, database.read(user)).pipe(
                Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.fail(tooSlow) }),
                Effect.map(live),
                Effect.catch(instead(user, subject)),
                // A mistake of ours is told as one, but is no reason to lock anybody out.
                Effect.catchDefect((defect) =>
                  Effect.as(Effect.logError("claims cannot be made", Cause.die(defect)), fallback(subject.known)),
                ),
              ),
          }).pipe(counted),
      })
    }),
  )
}

const live = (claims: ClaimSet): SourcedClaims => ({ claims, origin: "live" })
const lastKnown = (claims: ClaimSet): SourcedClaims => ({ claims, origin: "cache" })
const fallback = (claims: ClaimSet): SourcedClaims => ({ claims, origin: "fallback" })

const tooSlow = new DatabaseFailed({ away: true, cause: new Error("the database does not answer in time") })

const told = (error: DatabaseFailed) =>
  error.away ? Effect.void : Effect.logError("claims cannot be read", Cause.fail(error))

const answers = Metric.counter("authsome_identity_claims_total", { description: "Claims given out, by their source." })
const byOrigin = {
  live: Metric.withAttributes(answers, { source: "live" }),
  cache: Metric.withAttributes(answers, { source: "cache" }),
  fallback: Metric.withAttributes(answers, { source: "fallback" }),
} satisfies Record<ClaimsOrigin, typeof answers>

const counted = <E>(answer: Effect.Effect<SourcedClaims, E>): Effect.Effect<SourcedClaims, E> =>
  Effect.tap(answer, ({ origin }) => Metric.update(byOrigin[origin], 1))
