/** authsome.identity.v1.ClaimsService, for Zitadel. */
import { fromJson } from "@bufbuild/protobuf"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { ClaimsSchema, ClaimsService, ClaimsSource } from "#gen/authsome/identity/v1/claims_pb.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { Internal, InvalidRequest, NotFound, type PublicError, Unavailable } from "#shared/rpc/PublicError.ts"
import { pending } from "../../pending.ts"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { parseUserId } from "../users/User.ts"
import { Users } from "../users/Users.ts"
import { claimsOf } from "./claims.ts"

/** A little less than the rpc's deadline: a database that hangs is told as such, not as a slow call. */
const patience = "800 millis"

export const layer = Handlers.layer(
  ClaimsService,
  Effect.gen(function* () {
    const users = yield* Users

    return {
      getUserClaims: Effect.fnUntraced(function* ({ userId }) {
        const id = parseUserId(userId)
        if (Option.isNone(id)) return yield* notAnId
        const user = yield* users
          .get(id.value)
          .pipe(
            Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.fail(databaseAway) }),
            Effect.catchTags({ UserNotFound: () => Effect.fail(unknownUser), DatabaseFailed: databaseError }),
          )
        return { claims: fromJson(ClaimsSchema, claimsOf(user)), source: ClaimsSource.LIVE }
      }),
    }
  }),
  pending.ClaimsService,
)

const notAnId = new InvalidRequest({ reason: "INVALID_USER_ID", message: "the user id is not a UUID" })
const unknownUser = new NotFound({ reason: "USER_NOT_FOUND", message: "there is no such user" })
const databaseAway = new Unavailable({ reason: "DATABASE_ERROR", message: "the database is away" })
const databaseRefused = new Internal({ reason: "DATABASE_ERROR", message: "the database failed" })

/** Unlike the other rpcs, this one promises to say when it was the database. */
const databaseError = (error: DatabaseFailed): Effect.Effect<never, PublicError> =>
  error.away
    ? Effect.fail(databaseAway)
    : Effect.andThen(Effect.logError("claims cannot be read", Cause.fail(error)), Effect.fail(databaseRefused))
