/** Making, reading, changing and deleting organizations, and who may. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { newUuid } from "#shared/ids/Id.ts"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { TransactionStore } from "../database/TransactionStore.ts"
import { SessionEnded } from "../sessions/Session.ts"
import type { Page, Paged } from "../users/Page.ts"
import type { UserId } from "../users/User.ts"
import { UserStore } from "../users/UserStore.ts"
import { MemberId } from "./Member.ts"
import {
  LimitReached,
  type Organization,
  OrganizationId,
  type OrganizationLimits,
  OrganizationNotFound,
  RoleTooLow,
} from "./Organization.ts"
import { OrganizationStore } from "./OrganizationStore.ts"
import { type Action, may } from "./Role.ts"

export interface RenamedOrganization {
  readonly organization: Organization
  /** False: it was called so before. */
  readonly updated: boolean
}

export class Organizations extends Context.Service<
  Organizations,
  {
    /** The user is its owner. Fails with `SessionEnded` where the account is gone by now. */
    readonly create: (
      founder: UserId,
      name: string,
    ) => Effect.Effect<Organization, LimitReached | SessionEnded | DatabaseFailed>
    /** In which the user is a member, by name. */
    readonly listOf: (userId: UserId, page: Page) => Effect.Effect<Paged<Organization>, DatabaseFailed>
    /** As the member sees it, if their role allows the action. */
    readonly get: (
      asker: UserId,
      id: OrganizationId,
      action: Action,
    ) => Effect.Effect<Organization, OrganizationNotFound | RoleTooLow | DatabaseFailed>
    /** As `get`, for a change of it, its members or its invitations: they come one after the other. Within a transaction. */
    readonly enter: (
      asker: UserId,
      id: OrganizationId,
      action: Action,
    ) => Effect.Effect<Organization, OrganizationNotFound | RoleTooLow | DatabaseFailed>
    /** Undefined: the name stays. */
    readonly rename: (
      asker: UserId,
      id: OrganizationId,
      name: string | undefined,
    ) => Effect.Effect<RenamedOrganization, OrganizationNotFound | RoleTooLow | DatabaseFailed>
    /** Its members and invitations go with it. */
    readonly delete: (
      asker: UserId,
      id: OrganizationId,
    ) => Effect.Effect<void, OrganizationNotFound | RoleTooLow | DatabaseFailed>
  }
>()("identity/Organizations") {
  static readonly layer = ({ maxOwnedOrganizations: limit }: OrganizationLimits) =>
    Layer.effect(
      Organizations,
      Effect.gen(function* () {
        const { atomically } = yield* TransactionStore
        const store = yield* OrganizationStore
        const users = yield* UserStore

        const allowed = (action: Action) =>
          Effect.fnUntraced(function* (seen: Option.Option<Organization>) {
            if (Option.isNone(seen)) return yield* new OrganizationNotFound()
            if (!may(seen.value.role, action)) return yield* new RoleTooLow()
            return seen.value
          })
        const get = (asker: UserId, id: OrganizationId, action: Action) =>
          Effect.flatMap(store.find(id, asker), allowed(action))
        const enter = (asker: UserId, id: OrganizationId, action: Action) =>
          Effect.flatMap(store.lock(id, asker), allowed(action))

        const create = Effect.fn("Organizations.create")(function* (founder: UserId, name: string) {
          // Of two at the same time the second one counts the first.
          const user = yield* users.findForUpdate(founder)
          if (Option.isNone(user)) return yield* new SessionEnded()
          if ((yield* store.countOwned(founder)) >= limit) {
            return yield* new LimitReached({ of: "organizations", limit })
          }
          const id = OrganizationId.make(yield* newUuid)
          yield* store.insert({ id, name, founder, memberId: MemberId.make(yield* newUuid) })
          return Option.getOrThrow(yield* store.find(id, founder))
        }, atomically)

        const rename = Effect.fn("Organizations.rename")(function* (
          asker: UserId,
          id: OrganizationId,
          name: string | undefined,
        ) {
          const before = yield* enter(asker, id, "organization.update")
          if (name === undefined || name === before.name) return { organization: before, updated: false }
          yield* store.rename(id, name)
          return { organization: Option.getOrThrow(yield* store.find(id, asker)), updated: true }
        }, atomically)

        const remove = Effect.fn("Organizations.delete")(function* (asker: UserId, id: OrganizationId) {
          yield* enter(asker, id, "organization.delete")
          yield* store.delete(id)
        }, atomically)

        return Organizations.of({
          create,
          listOf: Effect.fnUntraced(function* (userId, page) {
            const total = yield* store.count(userId)
            return { ...page, total, data: yield* store.list(userId, page) }
          }),
          get,
          enter,
          rename,
          delete: remove,
        })
      }),
    )
}
