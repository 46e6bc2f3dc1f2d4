import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { call, outcome, signedUp } from "../testing/EndUsers.ts"
import { instanceEnvironment, type KeyOptions, running } from "../testing/TestIdentity.ts"

const signUp = signedUp("sessions.test")
const manager: KeyOptions = { kind: "secret", scopes: ["sessions:manage"] }

/** One more device of theirs. */
const signedIn = Effect.fnUntraced(function* (email: string) {
  const { json } = yield* call("POST", "/auth/signin", { body: { email, password: "correct horse battery" } })
  return { id: String(json.session.id), session: String(json.session.token) }
})

layer(running(instanceEnvironment), { excludeTestServices: true })("the sessions of an end user", (it) => {
  it.effect("are listed with device and place, the last used first, and the one of the call is marked", () =>
    Effect.gen(function* () {
      const ada = yield* signUp("ada")
      const other = yield* signedIn(ada.email)
      const { status, json } = yield* call("GET", "/sessions", { session: ada.session })
      assert.deepStrictEqual([status, json.total, json.page, json.pageSize], [200, 2, 1, 20])
      const [first, second] = json.data
      assert.include(first, { id: other.id, userId: ada.id, current: false })
      assert.include(second, { userId: ada.id, current: true, ipAddress: "203.0.113.9", userAgent: "tests/1" })
      for (const time of ["createdAt", "lastUsedAt", "expiresAt"]) assert.isNotNaN(Date.parse(second[time]))
      assert.notInclude(JSON.stringify(json), "oken")
      const { json: page } = yield* call("GET", "/sessions?page=2&pageSize=1", { session: ada.session })
      assert.deepStrictEqual([page.total, page.data.length, page.data[0].id], [2, 1, second.id])
    }),
  )

  it.effect("are ended one by one by the person, the one of the call too, and only their own", () =>
    Effect.gen(function* () {
      const grace = yield* signUp("grace")
      const stranger = yield* signUp("stranger")
      const other = yield* signedIn(grace.email)
      const end = (id: string) => outcome("DELETE", `/sessions/${id}`, { session: grace.session })
      assert.deepStrictEqual(yield* end(other.id), [204, ""])
      assert.deepStrictEqual(yield* end(other.id), [204, ""], "again")
      assert.deepStrictEqual(yield* outcome("GET", "/session", { session: other.session }), [401, "session_ended"])
      const { json: theirs } = yield* call("GET", "/session", { session: stranger.session })
      for (const id of [theirs.session.id, "ses_aeixuvnms53uxpgowmbati5ak4", "ses_1"]) {
        assert.deepStrictEqual(yield* end(id), [404, "not_found"])
      }
      assert.strictEqual((yield* call("GET", "/session", { session: stranger.session })).status, 200)
      const { json: own } = yield* call("GET", "/session", { session: grace.session })
      assert.deepStrictEqual(yield* end(own.session.id), [204, ""])
      assert.deepStrictEqual(yield* end(own.session.id), [401, "session_ended"])
    }),
  )

  it.effect("are listed and ended by a key with sessions:manage", () =>
    Effect.gen(function* () {
      const { id, email, session } = yield* signUp("edsger")
      const other = yield* signedIn(email)
      const path = `/users/${id}/sessions`
      const { json } = yield* call("GET", path, { key: manager, session })
      assert.deepStrictEqual([json.total, json.data.some(({ current }: { current: boolean }) => current)], [2, false])
      assert.deepStrictEqual(yield* outcome("DELETE", `${path}/${other.id}`, { key: manager }), [204, ""])
      assert.strictEqual((yield* call("GET", path, { key: manager })).json.total, 1)
      for (const unknown of ["usr_aeixuvnms53uxpgowmbati5ak4", "usr_1"]) {
        for (const [method, rest] of [
          ["GET", ""],
          ["DELETE", ""],
          ["DELETE", `/${other.id}`],
        ] as const) {
          const refused = outcome(method, `/users/${unknown}/sessions${rest}`, { key: manager })
          assert.deepStrictEqual(yield* refused, [404, "user_not_found"])
        }
      }
      assert.deepStrictEqual(yield* outcome("DELETE", path, { key: manager }), [204, ""])
      assert.deepStrictEqual(yield* outcome("DELETE", path, { key: manager }), [204, ""])
      assert.deepStrictEqual(yield* outcome("GET", "/session", { session }), [401, "session_ended"])
      const { json: events } = yield* call("GET", `/audit-events?userId=${id}`, {
        key: { kind: "secret", scopes: ["audit:read"] },
      })
      assert.deepStrictEqual(
        events.data.slice(0, 2).map(({ action }: { action: string }) => action),
        ["session.all_revoked", "session.revoked"],
      )
      const reader: KeyOptions = { kind: "secret", scopes: ["users:read", "users:write"] }
      assert.deepStrictEqual(yield* outcome("GET", path, { key: reader }), [403, "scope_missing"])
      assert.deepStrictEqual(yield* outcome("DELETE", path, { key: reader }), [403, "scope_missing"])
    }),
  )
})
