import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { call, outcome, signedUp } from "../testing/EndUsers.ts"
import { instanceEnvironment, type KeyOptions, running } from "../testing/TestIdentity.ts"

const signUp = signedUp("audit.test")
const auditor: KeyOptions = { kind: "secret", scopes: ["audit:read"] }
const writer: KeyOptions = { kind: "secret", name: "key_writer", scopes: ["users:write"] }

interface Event {
  readonly action: string
  readonly userId: string
}

const events = Effect.fnUntraced(function* (query: Readonly<Record<string, string>>) {
  const { status, json } = yield* call("GET", `/audit-events?${new URLSearchParams(query)}`, { key: auditor })
  assert.strictEqual(status, 200)
  const data: ReadonlyArray<Event & Readonly<Record<string, string>>> = json.data
  const total: number = json.total
  return { total, page: json.page, pageSize: json.pageSize, data, actions: data.map(({ action }) => action) }
})

layer(running(instanceEnvironment), { excludeTestServices: true })("the security events of an instance", (it) => {
  it.effect("are listed, the newest first, with whom, by which key, and from where", () =>
    Effect.gen(function* () {
      const { id, session } = yield* signUp("ada")
      yield* call("PATCH", `/users/${id}`, { key: writer, body: { bio: "Notes" } })
      yield* call("POST", "/auth/signout", { session, body: {} })
      const { data, actions, total, page, pageSize } = yield* events({ userId: id })
      assert.deepStrictEqual([total, page, pageSize], [3, 1, 20])
      assert.deepStrictEqual(actions, ["user.logged_out", "user.profile_updated", "user.registered"])
      const from = { userId: id, ipAddress: "203.0.113.9", userAgent: "tests/1" }
      assert.include(data[1], { ...from, keyId: "key_writer" })
      for (const event of data) {
        assert.include(event, from)
        assert.match(event["id"] ?? "", /^aud_[a-z2-7]{26}$/)
        assert.match(event["requestId"] ?? "", /^req_/)
        assert.isNotNaN(Date.parse(event["occurredAt"] ?? ""))
      }
    }),
  )

  it.effect("are found by person, action and time, a page at a time", () =>
    Effect.gen(function* () {
      const { id } = yield* signUp("grace")
      for (const bio of ["one", "two", "three"]) yield* call("PATCH", `/users/${id}`, { key: writer, body: { bio } })
      const updates = yield* events({ userId: id, action: "user.profile_updated" })
      assert.strictEqual(updates.total, 3)
      const second = yield* events({ userId: id, page: "2", pageSize: "2" })
      assert.deepStrictEqual([second.total, second.actions], [4, ["user.profile_updated", "user.registered"]])
      const [newest] = updates.data
      const since = newest?.["occurredAt"] ?? ""
      assert.deepStrictEqual((yield* events({ userId: id, since })).data, updates.data.slice(0, 1))
      assert.strictEqual((yield* events({ since: "2099-01-01T00:00:00Z" })).total, 0)
      for (const nobody of ["usr_aeixuvnms53uxpgowmbati5ak4", "usr_1"]) {
        assert.deepStrictEqual((yield* events({ userId: nobody })).data, [])
      }
      assert.deepStrictEqual((yield* events({ action: "nonsense" })).data, [])
    }),
  )

  it.effect("name a person who is erased by a pseudonym", () =>
    Effect.gen(function* () {
      const { id } = yield* signUp("edsger")
      yield* call("DELETE", `/users/${id}`, { key: writer })
      assert.strictEqual((yield* events({ userId: id })).total, 0)
      const [erased] = (yield* events({ action: "user.erased" })).data
      assert.match(erased?.userId ?? "", /^erased_/)
      assert.include(erased, { keyId: "key_writer", ipAddress: "", userAgent: "" })
      const { data } = yield* events({})
      const theirs = data.filter(({ userId }) => userId === erased?.userId)
      assert.deepStrictEqual(
        theirs.map(({ action }) => action),
        ["user.erased", "user.registered"],
      )
    }),
  )

  it.effect("are for keys with audit:read", () =>
    Effect.gen(function* () {
      for (const key of [writer, { kind: "public", scopes: ["audit:read"] }]) {
        assert.deepStrictEqual(yield* outcome("GET", "/audit-events", { key }), [403, "scope_missing"])
      }
      assert.strictEqual((yield* call("GET", "/audit-events?userId=nonsense", { key: auditor })).status, 400)
    }),
  )
})
