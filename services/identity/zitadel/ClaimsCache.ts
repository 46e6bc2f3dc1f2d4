/** Claims that were read before. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type { UserId } from "../users/User.ts"
import type { ClaimSet } from "./claims.ts"
import type { ReadClaims } from "./LiveClaims.ts"

export class ClaimsCache extends Context.Service<
  ClaimsCache,
  {
    /**
     * What was read a short while ago, if nothing of it has changed since; else what `read` reads. Without a cache in
     * front of the database that is `read` itself.
     */
    readonly following: (id: UserId, read: ReadClaims) => ReadClaims
    /** As `following`; what was read is then known for the time when nothing can be read. */
    readonly remembering: (id: UserId, read: ReadClaims) => ReadClaims
    /** The last that was remembered, and has not been changed or forgotten since. */
    readonly last: (id: UserId) => Effect.Effect<Option.Option<ClaimSet>>
  }
>()("identity/ClaimsCache") {
  /** Keeps nothing. */
  static readonly layerNone = Layer.succeed(
    ClaimsCache,
    ClaimsCache.of({
      following: (_, read) => read,
      remembering: (_, read) => read,
      last: () => Effect.succeedNone,
    }),
  )
}
