/** Reading and changing accounts. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { TransactionStore } from "../database/TransactionStore.ts"
import { IdentityEvents } from "../events/IdentityEvents.ts"
import type { SessionId } from "../sessions/Session.ts"
import { Sessions } from "../sessions/Sessions.ts"
import type { Page, Paged } from "./Page.ts"
import { changeProfile, contractNames, type ProfileChange } from "./Profile.ts"
import { type KeptUser, type User, type UserId, UserNotFound, type UsernameTaken } from "./User.ts"
import { type CopiesUnreachable, UserCopies } from "./UserCopies.ts"
import { type ResolvedUsername, type UserFilter, UserStore } from "./UserStore.ts"

export interface UpdatedUser {
  readonly user: User
  /** False: all was so before. */
  readonly updated: boolean
}

export interface DeletedUser {
  readonly user: KeptUser
  /** False: it was deleted before. */
  readonly removed: boolean
}

export class Users extends Context.Service<
  Users,
  {
    readonly get: (id: UserId) => Effect.Effect<User, UserNotFound | DatabaseFailed>
    /** Those that are there, in the order asked for. */
    readonly getAll: (ids: ReadonlyArray<UserId>) => Effect.Effect<ReadonlyArray<User>, DatabaseFailed>
    /** Those that somebody has, in the order asked for. */
    readonly resolve: (
      usernames: ReadonlyArray<string>,
    ) => Effect.Effect<ReadonlyArray<ResolvedUsername>, DatabaseFailed>
    /** The newest first. */
    readonly list: (filter: UserFilter, page: Page) => Effect.Effect<Paged<User>, DatabaseFailed>
    /** Whoever reads the user after the transaction sees the change. Suspending ends all sessions. */
    readonly updateProfile: (
      id: UserId,
      change: ProfileChange,
    ) => Effect.Effect<UpdatedUser, UserNotFound | UsernameTaken | CopiesUnreachable | DatabaseFailed>
    /** Ends every session, but one that is to go on, and those that are about to begin; says how many. */
    readonly endSessions: (id: UserId, except?: SessionId) => Effect.Effect<number, UserNotFound | DatabaseFailed>
    /** Deletes an account and ends its sessions. Its data stay, and so do its address and username, until it is erased. */
    readonly remove: (id: UserId) => Effect.Effect<DeletedUser, UserNotFound | CopiesUnreachable | DatabaseFailed>
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

      const endSessions = Effect.fn("Users.endSessions")(function* (id: UserId, except?: SessionId) {
        yield* Effect.flatMap(store.findForUpdate(id), found)
        return yield* sessions.endAll(id, "revoked", except)
      }, atomically)

      const remove = Effect.fn("Users.remove")(function* (id: UserId) {
        const before = yield* Effect.flatMap(store.keptForUpdate(id), found)
        if (before.deletedAt !== null) return { user: before, removed: false }
        yield* copies.forget(id)
        yield* sessions.endAll(id, "userDeleted")
        yield* store.remove(id)
        yield* events.append(id, { case: "profileUpdated", value: { userId: id, changedFields: ["deleted_at"] } })
        return { user: yield* Effect.flatMap(store.keptForUpdate(id), found), removed: true }
      }, atomically)

      return Users.of({
        get: (id) => Effect.flatMap(store.find(id), found),
        getAll: store.findAll,
        resolve: store.resolve,
        list: Effect.fnUntraced(function* (filter, page) {
          const total = yield* store.count(filter)
          return { ...page, total, data: yield* store.list(filter, page) }
        }),
        updateProfile,
        endSessions,
        remove,
      })
    }),
  )
}

const found = <A>(user: Option.Option<A>) => Effect.fromOption(user, () => new UserNotFound())
