/** authsome.identity.v1.ClaimsService, for Zitadel. */
import { fromJson } from "@bufbuild/protobuf"
import { ValueSchema } from "@bufbuild/protobuf/wkt"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { ClaimsSchema, ClaimsService, ClaimsSource } from "#gen/authsome/identity/v1/claims_pb.ts"
import { Deadline } from "#shared/rpc/Deadline.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { Internal, InvalidRequest, NotFound, type PublicError, Unavailable } from "#shared/rpc/PublicError.ts"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { parseUserId } from "../users/User.ts"
import type { ClaimsOrigin } from "./claims.ts"
import { subjectOf } from "./FunctionCall.ts"
import { tokenClaims } from "./tokenClaims.ts"
import { UserClaims } from "./UserClaims.ts"

/** A little less than the rpc's deadline: a database that hangs is told as such, not as a slow call. */
const patience = Duration.millis(800)

/** What is kept of the rpc's deadline for the last known claims, when the database has taken the rest. Milliseconds. */
const reserve = 400

export const layer = Handlers.layer(
  ClaimsService,
  Effect.gen(function* () {
    const claims = yield* UserClaims

    return {
      getUserClaims: Effect.fnUntraced(function* ({ userId }) {
        const id = parseUserId(userId)
        if (Option.isNone(id)) return yield* notAnId
        const answer = yield* claims
          .live(id.value)
          .pipe(
            Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.fail(databaseAway) }),
            Effect.catchTags({ UserNotFound: () => Effect.fail(unknownUser), DatabaseFailed: databaseError }),
          )
        return { claims: fromJson(ClaimsSchema, answer.claims), source: sources[answer.origin] }
      }),

      appendClaims: Effect.fnUntraced(function* ({ event }) {
        const subject = subjectOf(event)
        if (Option.isNone(subject)) return yield* notACall
        const now = yield* Clock.currentTimeMillis
        const left = ((yield* Deadline) ?? now + 2 * reserve) - now
        const { claims: best, origin } = yield* claims.best(subject.value, Math.max(0, left - reserve))
        return { appendClaims: tokenClaims(best, origin).map(({ key, value }) => ({ key, value: toValue(value) })) }
      }),
    }
  }),
)

const sources: Record<ClaimsOrigin, ClaimsSource> = {
  live: ClaimsSource.LIVE,
  cache: ClaimsSource.CACHE,
  fallback: ClaimsSource.FALLBACK,
}

const toValue = (value: string | number | boolean) => fromJson(ValueSchema, value)

const notAnId = new InvalidRequest({ reason: "INVALID_USER_ID", message: "the user id is not a UUID" })
const notACall = new InvalidRequest({
  reason: "INVALID_REQUEST",
  message: "the body is no call of preuserinfo or preaccesstoken",
})
const unknownUser = new NotFound({ reason: "USER_NOT_FOUND", message: "there is no such user" })
const databaseAway = new Unavailable({ reason: "DATABASE_ERROR", message: "the database is away" })
const databaseRefused = new Internal({ reason: "DATABASE_ERROR", message: "the database failed" })

/** Unlike the other rpcs, this one promises to say when it was the database. */
const databaseError = (error: DatabaseFailed): Effect.Effect<never, PublicError> =>
  error.away
    ? Effect.fail(databaseAway)
    : Effect.andThen(Effect.logError("claims cannot be read", Cause.fail(error)), Effect.fail(databaseRefused))
