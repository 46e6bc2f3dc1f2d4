import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { call, outcome, signedUp } from "../testing/EndUsers.ts"
import { allSent } from "../testing/Letters.ts"
import { founded, joined } from "../testing/Organizations.ts"
import { instanceEnvironment, type KeyOptions, running } from "../testing/TestIdentity.ts"
import { occurrences } from "../testing/TestTablesStore.ts"

const domain = "tenant-privacy.test"
const signUp = signedUp(domain)
const reader: KeyOptions = { kind: "secret", scopes: ["users:read"] }
const writer: KeyOptions = { kind: "secret", scopes: ["users:write"] }

layer(running(instanceEnvironment), { excludeTestServices: true })("an end user's rights in their data", (it) => {
  it.effect("an export is the same for the person and for the customer", () =>
    Effect.gen(function* () {
      const ada = yield* signUp("ada")
      const { id: organization } = yield* founded(ada, "Analytical Society")
      // A mail on its way changes what is told of it.
      yield* allSent
      const own = yield* call("GET", "/session/user/export", { session: ada.session })
      const { status, json } = yield* call("GET", `/users/${ada.id}/export`, { key: reader })
      assert.deepStrictEqual([own.status, status], [200, 200])
      assert.deepStrictEqual(own.json, json)
      assert.include(json.user, { id: ada.id, email: ada.email, displayName: "ada" })
      assert.match(json.sessions[0].id, /^ses_[a-z2-7]{26}$/)
      assert.match(json.securityEvents[0].id, /^aud_[a-z2-7]{26}$/)
      assert.deepInclude(json.organizations[0], { id: organization, name: "Analytical Society", role: "owner" })
      assert.match(json.organizations[0].memberId, /^mem_[a-z2-7]{26}$/)
    }),
  )

  it.effect("an erasure takes person, memberships and organizations of nobody else", () =>
    Effect.gen(function* () {
      const grace = yield* signUp("grace")
      const { path } = yield* founded(grace, "Nanoseconds of grace")
      yield* call("PATCH", "/session/user", { session: grace.session, body: { bio: "of grace, in COBOL" } })
      const erase = outcome("DELETE", `/users/${grace.id}`, { key: writer })
      assert.deepStrictEqual(yield* erase, [204, ""])
      assert.deepStrictEqual(yield* erase, [204, ""])
      assert.deepStrictEqual(yield* occurrences([grace.email, "of grace"]), [])
      assert.deepStrictEqual(yield* outcome("GET", "/session", { session: grace.session }), [401, "session_ended"])
      for (const rest of ["", "/export", "/sessions"]) {
        const read = outcome("GET", `/users/${grace.id}${rest}`, {
          key: { kind: "secret", scopes: ["*"] },
        })
        assert.deepStrictEqual(yield* read, [404, "user_not_found"], rest)
      }
      const again = yield* signUp("grace")
      assert.notStrictEqual(again.id, grace.id)
      const { json } = yield* call("GET", "/organizations", { session: again.session })
      assert.strictEqual(json.total, 0, path)
    }),
  )

  it.effect("nobody is erased whom an organization needs", () =>
    Effect.gen(function* () {
      const owner = yield* signUp("edsger")
      const { path } = yield* founded(owner, "Structured")
      const member = yield* joined(domain)("barbara", path, owner, "member")
      const erase = outcome("DELETE", `/users/${owner.id}`, { key: writer })
      assert.deepStrictEqual(yield* erase, [409, "last_owner"])
      assert.strictEqual((yield* call("GET", "/session", { session: owner.session })).status, 200)
      assert.deepStrictEqual(yield* outcome("DELETE", `/users/${member.id}`, { key: writer }), [204, ""])
      assert.deepStrictEqual(yield* erase, [204, ""])
    }),
  )

  it.effect("takes the scopes of the contract", () =>
    Effect.gen(function* () {
      const tony = yield* signUp("tony")
      for (const [method, path, key] of [
        ["DELETE", `/users/${tony.id}`, reader],
        ["DELETE", `/users/${tony.id}`, { kind: "public", scopes: ["*"] }],
        ["GET", `/users/${tony.id}/export`, writer],
      ] as const) {
        assert.deepStrictEqual(yield* outcome(method, path, { key }), [403, "scope_missing"])
      }
      assert.deepStrictEqual(yield* outcome("GET", "/session/user/export"), [401, "unauthenticated"])
      assert.deepStrictEqual(yield* outcome("DELETE", "/users/usr_1", { key: writer }), [404, "user_not_found"])
    }),
  )
})
