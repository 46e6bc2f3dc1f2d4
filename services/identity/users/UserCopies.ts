/** Copies of accounts that are kept beside the database, such as the claims in a cache. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type { UserId } from "./User.ts"

/** A copy that cannot be given up now might be shown after the change: the change must wait. */
export class CopiesUnreachable extends Schema.TaggedError<CopiesUnreachable>()("CopiesUnreachable", {
  reason: Schema.String,
}) {}

export class UserCopies extends Context.Service<
  UserCopies,
  {
    /**
     * Gives up what is kept of an account, and lets nobody keep it again before the transaction that the caller runs in
     * has ended. Whoever changes or deletes an account calls this before the commit, and does not commit where it fails.
     */
    readonly forget: (id: UserId) => Effect.Effect<void, CopiesUnreachable>
  }
>()("identity/UserCopies") {
  /** For a program that keeps none. */
  static readonly layerNone = Layer.succeed(UserCopies, UserCopies.of({ forget: () => Effect.void }))
}
