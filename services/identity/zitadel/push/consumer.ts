/** authsome.identity.v1.IdentityEvent, followed by Zitadel's notes of claims. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { type IdentityEvent, IdentityEventSchema, SessionEnd } from "#gen/authsome/identity/v1/events_pb.ts"
import { consume } from "#shared/events/Consumer.ts"
import { Rejected } from "#shared/events/Delivery.ts"
import { parseUserId, type UserId } from "../../users/User.ts"
import type { FailureKind, ZitadelFailed } from "../management/ZitadelFailed.ts"
import { ClaimNotes } from "./ClaimNotes.ts"

/** Under which name the processes of the service share the work. */
export const durable = "identity-zitadel"

/** Whose claims may be others than before, or none any more. */
export const concerned = ({ kind }: Pick<IdentityEvent, "kind">): Option.Option<UserId> => {
  switch (kind.case) {
    case "userRegistered":
    case "profileUpdated":
    case "userErased":
      return parseUserId(kind.value.userId)
    case "sessionRevoked":
      return kind.value.reason === SessionEnd.USER_DELETED ? parseUserId(kind.value.userId) : Option.none()
    case "userLoggedIn":
    case "passwordChanged":
    case undefined:
      return Option.none()
  }
}

/** Says nothing of the event: every other would fail in the same way. A token can be replaced while we wait. */
const ofZitadel: ReadonlyArray<FailureKind> = ["unavailable", "unauthenticated"]
/** No repeat can help. */
const final: ReadonlyArray<FailureKind> = ["forbidden", "refused", "unreadable"]

/** From a quarter of a second to a minute, for ever. */
const untilItIsBack = Schedule.min([Schedule.exponential("250 millis"), Schedule.spaced("1 minute")]).pipe(
  Schedule.jittered,
)

/** Handles what is true now, not what the event says: no inbox is needed, and the order does not matter. */
export const layer = Layer.unwrap(
  Effect.map(ClaimNotes, ({ follow }) =>
    consume(IdentityEventSchema, {
      durable,
      concurrency: 4,
      // To wait for Zitadel is no failure of an event.
      timeout: Duration.days(1),
      handle: Effect.fnUntraced(function* (event) {
        const user = concerned(event)
        if (Option.isNone(user)) return
        yield* follow(user.value).pipe(
          Effect.tapErrorTag("ZitadelFailed", ({ message }) =>
            Effect.logWarning("claims wait to be noted in Zitadel", { reason: message }),
          ),
          Effect.retry({
            schedule: untilItIsBack,
            while: (error) => error._tag === "ZitadelFailed" && ofZitadel.includes(error.kind),
          }),
          Effect.catchTag(
            "ZitadelFailed",
            (error): Effect.Effect<never, ZitadelFailed | Rejected> =>
              final.includes(error.kind) ? new Rejected({ reason: error.message }) : Effect.fail(error),
          ),
        )
      }),
    }),
  ),
)
