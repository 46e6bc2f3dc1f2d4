import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import { idToUuid } from "#shared/ids/Id.ts"
import { call, outcome, signedUp } from "../testing/EndUsers.ts"
import { accepted, founded, invited, joined, key } from "../testing/Organizations.ts"
import { instanceEnvironment, running } from "../testing/TestIdentity.ts"
import { UserId } from "../users/User.ts"
import { MembershipStore } from "./MembershipStore.ts"

const domain = "memberships.test"
const signUp = signedUp(domain)
const join = joined(domain)

const idOf = ({ id }: { readonly id: string }) => UserId.make(Option.getOrThrow(idToUuid("usr", id)))
const stored = Layer.provideMerge(MembershipStore.layer, running(instanceEnvironment))

layer(stored, { excludeTestServices: true })("a person's memberships", (it) => {
  it.effect("are told to them, the oldest first", () =>
    Effect.gen(function* () {
      const store = yield* MembershipStore
      const ada = yield* signUp("ada")
      yield* founded(ada, "Own")
      const other = yield* signUp("other")
      const { path } = yield* founded(other, "Joined")
      const { token } = yield* invited(path, other, ada.email, "admin")
      yield* accepted(ada, token)
      const told = yield* store.ofUser(idOf(ada))
      assert.deepStrictEqual(
        told.map(({ organizationName, role, invitedAddress }) => [organizationName, role, invitedAddress]),
        [
          ["Own", "owner", null],
          ["Joined", "admin", ada.email],
        ],
      )
      assert.deepStrictEqual(yield* store.ofUser(idOf(yield* signUp("lonely"))), [])
    }),
  )

  it.effect("end together, and with them what nobody else belongs to", () =>
    Effect.gen(function* () {
      const store = yield* MembershipStore
      const sql = yield* SqlClient.SqlClient
      const grace = yield* signUp("grace")
      const other = yield* signUp("another")
      const alone = yield* founded(grace, "Alone")
      yield* invited(alone.path, grace, `waiting@${domain}`, "owner")
      const { path } = yield* founded(other, "Shared")
      const { token } = yield* invited(path, other, grace.email, "member")
      yield* accepted(grace, token)
      yield* join("third", path, other, "member")
      const elsewhere = yield* founded(other, "Elsewhere")
      yield* invited(elsewhere.path, other, grace.email, "member")

      // That the address is theirs they have not shown yet, so whose the invitation is nobody knows.
      yield* store.removeUser(idOf(grace))
      assert.deepStrictEqual(yield* store.ofUser(idOf(grace)), [])
      assert.deepStrictEqual(yield* outcome("GET", alone.path, { key, session: grace.session }), [404, "not_found"])
      const waiting = yield* sql`SELECT 1 FROM members WHERE email = ${`waiting@${domain}`}`
      assert.lengthOf(waiting, 0)
      const { session } = other
      assert.strictEqual((yield* call("GET", path, { key, session })).json.memberCount, 2)
      const invitations = `${elsewhere.path}/members?status=invited`
      assert.strictEqual((yield* call("GET", invitations, { key, session })).json.total, 1)

      yield* sql`UPDATE users SET email_verified = true WHERE id = ${idOf(grace)}::uuid`
      yield* store.removeUser(idOf(grace))
      assert.strictEqual((yield* call("GET", invitations, { key, session })).json.total, 0)
    }),
  )

  it.effect("of a deleted account are not shown to others, nor counted", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const owner = yield* signUp("owner")
      const { path } = yield* founded(owner, "Deleted")
      const gone = yield* join("gone", path, owner, "owner")
      yield* sql`UPDATE users SET deleted_at = now() WHERE id = ${idOf(gone)}::uuid`
      const asked = { key, session: owner.session }
      assert.strictEqual((yield* call("GET", path, asked)).json.memberCount, 1)
      assert.strictEqual((yield* call("GET", `${path}/members`, asked)).json.total, 1)
      assert.deepStrictEqual(yield* outcome("DELETE", gone.memberPath, asked), [404, "not_a_member"])
      assert.deepStrictEqual(yield* outcome("DELETE", `${path}/membership`, asked), [409, "last_owner"])
    }),
  )
})
