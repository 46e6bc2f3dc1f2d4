/** Forgetting people for good (GDPR, article 17). */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { shortId } from "#shared/ids/Id.ts"
import { sweeping } from "#shared/runtime/sweeping.ts"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { TransactionStore } from "../database/TransactionStore.ts"
import { IdentityEvents } from "../events/IdentityEvents.ts"
import { LastOwner } from "../organizations/Member.ts"
import { MembershipStore } from "../organizations/MembershipStore.ts"
import { Sessions } from "../sessions/Sessions.ts"
import { AuthenticatorStore } from "../totp/AuthenticatorStore.ts"
import { type UserId, UserNotFound } from "../users/User.ts"
import { type CopiesUnreachable, UserCopies } from "../users/UserCopies.ts"
import { UserStore } from "../users/UserStore.ts"
import type { Erasure } from "./Erasure.ts"
import { ErasureStore } from "./ErasureStore.ts"

type Refused = UserNotFound | CopiesUnreachable | DatabaseFailed

export class Erasures extends Context.Service<
  Erasures,
  {
    /**
     * Erases a person: sessions, credentials, memberships and mails go, the row of the account is emptied, and security
     * events are kept under a pseudonym. Address and username are free again; the id never is. What others keep they are
     * told to forget. An organization with other members may be left without an owner.
     */
    readonly erase: (id: UserId) => Effect.Effect<Erasure, Refused>
    /** The same, but nothing happens while an organization with other members has no other owner. */
    readonly eraseUnlessLastOwner: (id: UserId) => Effect.Effect<Erasure, LastOwner | Refused>
  }
>()("identity/Erasures") {
  static readonly layer = Layer.effect(
    Erasures,
    Effect.gen(function* () {
      const { atomically } = yield* TransactionStore
      const store = yield* ErasureStore
      const users = yield* UserStore
      const authenticators = yield* AuthenticatorStore
      const memberships = yield* MembershipStore
      const sessions = yield* Sessions
      const events = yield* IdentityEvents
      const copies = yield* UserCopies

      /** The account of the person, which nobody else changes until the transaction ends. */
      const locked = (id: UserId) =>
        Effect.flatMap(
          users.keptForUpdate(id),
          Effect.fromOption(() => new UserNotFound()),
        )

      const erasing = Effect.fnUntraced(function* (id: UserId) {
        const user = yield* locked(id)
        if (user.erasedAt !== null) return { erasedAt: user.erasedAt, pseudonym: undefined }
        yield* copies.forget(id)
        yield* memberships.removeUser(id)
        yield* sessions.endAll(id, "userDeleted")
        yield* authenticators.remove(id)
        yield* store.deleteBelongings(id, user)
        yield* store.emptyUser(id)
        yield* events.append(id, { case: "userErased", value: { userId: id } })
        const pseudonym = yield* shortId("erased", 10)
        // Last: who ended a session of theirs at the same time has written it down by now.
        yield* store.pseudonymise(id, pseudonym)
        const { erasedAt } = yield* locked(id)
        return { erasedAt: erasedAt ?? (yield* DateTime.now), pseudonym }
      })

      // Always the organizations before the account, as whoever joins one has them.
      const erase = Effect.fn("Erasures.erase")(function* (id: UserId) {
        yield* store.lockOrganizations(id)
        return yield* erasing(id)
      }, atomically)

      const eraseUnlessLastOwner = Effect.fn("Erasures.eraseUnlessLastOwner")(function* (id: UserId) {
        yield* store.lockOrganizations(id)
        if (yield* store.isLastOwner(id)) return yield* new LastOwner()
        return yield* erasing(id)
      }, atomically)

      const cleaned = Effect.fnUntraced(function* (id: UserId) {
        yield* store.deleteBelongings(id, { email: null, username: null })
        yield* store.pseudonymise(id, yield* shortId("erased", 10))
      }, atomically)

      yield* store.withLeftovers.pipe(Effect.flatMap(Effect.forEach(cleaned, { discard: true })), sweeping)

      return Erasures.of({ erase, eraseUnlessLastOwner })
    }),
  )
}
