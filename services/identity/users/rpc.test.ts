import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { call, signedUp } from "../testing/EndUsers.ts"
import { instanceEnvironment, type KeyOptions, running } from "../testing/TestIdentity.ts"

const password = "correct horse battery"
const signUp = signedUp("users.test")

layer(running(instanceEnvironment), { excludeTestServices: true })("the end users of an instance", (it) => {
  it.effect("are listed, read and changed", () =>
    Effect.gen(function* () {
      const { id, email, session } = yield* signUp("margaret")
      const key: KeyOptions = { kind: "secret", scopes: ["*"] }
      const { json: page } = yield* call("GET", "/users?search=margaret&pageSize=5", { key })
      assert.deepStrictEqual([page.total, page.page, page.pageSize], [1, 1, 5])
      assert.include(page.data[0], { id, email, name: "margaret", active: true })
      const body = { name: "Margaret H.", bio: "Apollo", phoneNumber: "+16175550100" }
      const { json: user, headers } = yield* call("PATCH", `/users/${id}`, { key, body })
      assert.include(user, { name: "Margaret H.", bio: "Apollo", phoneNumber: "+16175550100", phoneVerified: false })
      assert.strictEqual(headers.get("x-authsome-route"), "/users/{user_id}")
      const { json: own } = yield* call("PATCH", "/session/user", { session, body: { bio: "" } })
      assert.include(own, { name: "Margaret H.", bio: "" })
      const { json: read } = yield* call("GET", `/users/${id}`, { key })
      assert.deepStrictEqual(read, own)
      for (const unknown of ["usr_aeixuvnms53uxpgowmbati5ak4", "usr_1", `usr_${"z".repeat(40)}`]) {
        const { status, json } = yield* call("GET", `/users/${unknown}`, { key })
        assert.deepStrictEqual([status, json.error.reason], [404, "user_not_found"], unknown)
      }
    }),
  )

  it.effect("lose their sessions while they are suspended", () =>
    Effect.gen(function* () {
      const { id, email, session, refreshToken } = yield* signUp("john")
      const key: KeyOptions = { kind: "secret", scopes: ["users:write"] }
      const { json } = yield* call("PATCH", `/users/${id}`, { key, body: { active: false } })
      assert.isFalse(json.active)
      const statuses = Effect.all([
        call("GET", "/session", { session }),
        call("POST", "/auth/refresh", { body: { refreshToken } }),
        call("POST", "/auth/signin", { body: { email, password } }),
      ]).pipe(Effect.map((answers) => answers.map(({ status }) => status)))
      assert.deepStrictEqual(yield* statuses, [401, 401, 401])
      yield* call("PATCH", `/users/${id}`, { key, body: { active: true } })
      assert.deepStrictEqual(yield* statuses, [401, 401, 200])
    }),
  )

  it.effect(
    "are found by address and name in any case, in use or suspended, a page at a time, and by nothing else",
    () =>
      Effect.gen(function* () {
        const key: KeyOptions = { kind: "secret", scopes: ["*"] }
        const found = Effect.fnUntraced(function* (query: Readonly<Record<string, string>>) {
          const { json } = yield* call("GET", `/users?${new URLSearchParams(query)}`, { key })
          return [json.data.map(({ name }: { readonly name: string }) => name), json.total]
        })
        const [one] = [yield* signUp("list_one"), yield* signUp("list_two"), yield* signUp("listxthree")]
        yield* call("PATCH", `/users/${one.id}`, { key, body: { active: false } })
        assert.deepStrictEqual(yield* found({ search: "LIST" }), [["listxthree", "list_two", "list_one"], 3])
        assert.deepStrictEqual(yield* found({ search: "list_", active: "true" }), [["list_two"], 1])
        assert.deepStrictEqual(yield* found({ search: "list", active: "false" }), [["list_one"], 1])
        assert.deepStrictEqual(yield* found({ search: "list", page: "2", pageSize: "2" }), [["list_one"], 3])
        assert.deepStrictEqual(yield* found({ search: "list", page: "9" }), [[], 3])
        for (const search of [one.id, "usr_", "%", "\\"])
          assert.deepStrictEqual(yield* found({ search }), [[], 0], search)
        for (const query of ["pageSize=101", "page=-1", "page=x", "size=3"]) {
          assert.strictEqual((yield* call("GET", `/users?${query}`, { key })).status, 400, query)
        }
      }),
  )
})
