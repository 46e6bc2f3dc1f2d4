/** Telling people what is stored about them (GDPR, articles 15 and 20). */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { TransactionStore } from "../database/TransactionStore.ts"
import type { Membership } from "../organizations/Membership.ts"
import { MembershipStore } from "../organizations/MembershipStore.ts"
import { type UserId, UserNotFound } from "../users/User.ts"
import { type Facts, type ListName, lists, mostOfAList, type PersonalData } from "./PersonalData.ts"
import { PersonalDataStore } from "./PersonalDataStore.ts"

export class Exports extends Context.Service<
  Exports,
  {
    /** Everything that is stored about a person, of a deleted account too until it is erased. */
    readonly everything: (id: UserId) => Effect.Effect<PersonalData, UserNotFound | DatabaseFailed>
  }
>()("identity/Exports") {
  static readonly layer = Layer.effect(
    Exports,
    Effect.gen(function* () {
      const { atomically } = yield* TransactionStore
      const store = yield* PersonalDataStore
      const memberships = yield* MembershipStore

      const everything = Effect.fn("Exports.everything")(function* (id: UserId) {
        const user = yield* Effect.flatMap(
          store.user(id),
          Effect.fromOption(() => new UserNotFound()),
        )
        const totp = yield* store.totp(id)
        const organizations = (yield* memberships.ofUser(id)).map(toFacts).toReversed()
        const found = yield* Effect.forEach(lists, (name) =>
          // One more than is shown tells whether there are more.
          Effect.map(store.list(id, name, mostOfAList + 1), (rows) => ({ name, rows })),
        )
        const shown = Object.fromEntries(found.map(({ name, rows }) => [name, rows.slice(0, mostOfAList)]))
        const truncated = found.filter(({ rows }) => rows.length > mostOfAList).map(({ name }) => name)
        return { ...whole(shown), user, totp, organizations, truncated }
      }, atomically)

      return Exports.of({ everything })
    }),
  )
}

const toFacts = ({ memberId, organizationId, organizationName, role, ...joining }: Membership): Facts => ({
  ...{ id: organizationId, name: organizationName, memberId, role, invitedAddress: joining.invitedAddress },
  invitedAt: joining.invitedAt === null ? null : DateTime.toDate(joining.invitedAt),
  joinedAt: DateTime.toDate(joining.joinedAt),
})

const whole = (shown: Readonly<Record<string, ReadonlyArray<Facts>>>): Record<ListName, ReadonlyArray<Facts>> => ({
  sessions: shown["sessions"] ?? [],
  securityEvents: shown["securityEvents"] ?? [],
  mails: shown["mails"] ?? [],
  mailedTokens: shown["mailedTokens"] ?? [],
  zitadel: shown["zitadel"] ?? [],
})
