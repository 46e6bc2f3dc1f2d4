/** Reading and changing accounts. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { TransactionStore } from "../database/TransactionStore.ts"
import { IdentityEvents } from "../events/IdentityEvents.ts"
import { Sessions } from "../sessions/Sessions.ts"
import type { Page, Paged } from "./Page.ts"
import { changeProfile, contractNames, type ProfileChange } from "./Profile.ts"
import { type User, type UserId, UserNotFound, type UsernameTaken } from "./User.ts"
import { type CopiesUnreachable, UserCopies } from "./UserCopies.ts"
import { type UserFilter, UserStore } from "./UserStore.ts"

export interface UpdatedUser {
  readonly user: User
  /** False: all was so before. */
  readonly updated: boolean
}

export class Users extends Context.Service<
  Users,
  {
    readonly get: (id: UserId) => Effect.Effect<User, UserNotFound | DatabaseFailed>
    /** The newest first. */
    readonly list: (filter: UserFilter, page: Page) => Effect.Effect<Paged<User>, DatabaseFailed>
    /** Whoever reads the user after the transaction sees the change. Suspending ends all sessions. */
    readonly updateProfile: (
      id: UserId,
      change: ProfileChange,
    ) => Effect.Effect<UpdatedUser, UserNotFound | UsernameTaken | CopiesUnreachable | DatabaseFailed>
  }
>()("identity/Users") {
  static readonly layer = Layer.effect(
    Users,
    Effect.gen(function* () {
      const { atomically } = yield* TransactionStore
      const store = yield* UserStore
      const sessions = yield* Sessions
      const events = yield* IdentityEvents
      const copies = yield* UserCopies

      const updateProfile = Effect.fn("Users.updateProfile")(function* (id: UserId, change: ProfileChange) {
        const before = yield* Effect.flatMap(store.findForUpdate(id), found)
        const { profile, changed } = changeProfile(before, change)
        if (changed.length === 0) return { user: before, updated: false }
        yield* copies.forget(id)
        const after = yield* store.saveProfile(id, profile)
        if (before.isActive && !after.isActive) yield* sessions.endAll(id, "userSuspended")
        const changedFields = changed.map((field) => contractNames[field])
        yield* events.append(id, { case: "profileUpdated", value: { userId: id, changedFields } })
        return { user: after, updated: true }
      }, atomically)

      return Users.of({
        get: (id) => Effect.flatMap(store.find(id), found),
        list: Effect.fnUntraced(function* (filter, page) {
          const total = yield* store.count(filter)
          return { ...page, total, data: yield* store.list(filter, page) }
        }),
        updateProfile,
      })
    }),
  )
}

const found = (user: Option.Option<User>) => Effect.fromOption(user, () => new UserNotFound())
