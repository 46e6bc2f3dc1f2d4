import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import { Listening } from "#shared/rpc/Server.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { registered } from "../testing/People.ts"
import { request } from "../testing/TestClient.ts"
import { DatabaseGate, gated, Logged, novaEnvironment, running, zitadelKey } from "../testing/TestIdentity.ts"
import { claims } from "./testing/ClaimsRoute.ts"

const nobody = "01890a5d-ac96-774b-bcce-b302099a8057"

const register = registered("example.com")

layer(running(novaEnvironment), { excludeTestServices: true })("the claims route", (it) => {
  it.effect("answers the claims of a user, whichever form the id has", () =>
    Effect.gen(function* () {
      const { id } = yield* register("grace")
      const sql = yield* SqlClient.SqlClient
      const [row] = yield* sql<{ readonly created: number; readonly updated: number }>`
        SELECT floor(extract(epoch FROM created_at))::int AS created,
          floor(extract(epoch FROM updated_at))::int AS updated
        FROM users WHERE id = ${id}::uuid`
      for (const form of [id, id.replaceAll("-", ""), id.toUpperCase()]) {
        const { status, json, headers } = yield* claims(form)
        assert.strictEqual(status, 200)
        assert.match(headers.get("content-type") ?? "", /^application\/json/)
        assert.deepStrictEqual(json, {
          sub: id,
          preferred_username: "grace",
          name: "grace",
          email: "grace@example.com",
          email_verified: false,
          picture: null,
          created_at: row?.created,
          updated_at: row?.updated,
        })
      }
    }),
  )

  it.effect("shows a profile change in the very next answer", () =>
    Effect.gen(function* () {
      const { identity, id } = yield* register("edsger")
      const first = yield* claims(id)
      assert.isNull(first.json.picture)
      for (const picture of ["https://cdn.example.com/1.jpg", "https://cdn.example.com/2.jpg"]) {
        yield* identity.updateUserProfile({ userId: id, avatarUrl: picture, displayName: picture, location: "Austin" })
        const { json } = yield* claims(id)
        assert.deepStrictEqual([json.picture, json.name, json.locale], [picture, picture, "Austin"])
      }
      yield* identity.updateUserProfile({ userId: id, avatarUrl: "", location: "" })
      const last = yield* claims(id)
      assert.isNull(last.json.picture)
      assert.notProperty(last.json, "locale")
    }),
  )

  it.effect("refuses what is no UUID", () =>
    Effect.gen(function* () {
      for (const id of ["nonsense", "123", `${nobody}0`, `{${nobody}}`, "%00", "%E0%A4", "a%2Fb", "a".repeat(4000)]) {
        const { status, json } = yield* claims(id)
        assert.deepStrictEqual(
          [status, json],
          [400, { error: "invalid_user_id", message: "the user id is not a UUID" }],
          id.slice(0, 40),
        )
      }
    }),
  )

  it.effect("knows nobody who is not there, or is deleted", () =>
    Effect.gen(function* () {
      const absent = yield* claims(nobody)
      assert.deepStrictEqual(
        [absent.status, absent.json],
        [404, { error: "user_not_found", message: "there is no such user" }],
      )
      const { id } = yield* register("deleted")
      const sql = yield* SqlClient.SqlClient
      yield* sql`UPDATE users SET deleted_at = now() WHERE id = ${id}::uuid`
      const gone = yield* claims(id)
      assert.deepStrictEqual([gone.status, gone.json.error], [404, "user_not_found"])
    }),
  )

  it.effect("is all that the port serves, besides health", () =>
    Effect.gen(function* () {
      const { httpPort } = yield* Listening
      const health = yield* Effect.promise(() => fetch(`http://127.0.0.1:${httpPort}/health`))
      assert.deepStrictEqual([health.status, yield* Effect.promise(() => health.text())], [200, "OK"])
      const key = { headers: { "x-internal-api-key": zitadelKey }, body: {} }
      for (const path of [
        "/metrics",
        "/users",
        "/auth/signup",
        "/authsome.identity.v1.IdentityService/GetUser",
        "/authsome.identity.v1.ClaimsService/GetUserClaims",
        "/internal/zitadel/user-claims",
        "/.well-known/jwks.json",
      ]) {
        const answer = yield* request("POST", path, key)
        assert.strictEqual(answer.status, 404, path)
      }
      for (const path of ["/openapi.json", `/internal/zitadel/user-claims/${nobody}/more`]) {
        assert.strictEqual((yield* request("GET", path, { headers: key.headers })).status, 404, path)
      }
    }),
  )

  it.effect("logs every attempt, with whom and from where, and never the key", () =>
    Effect.gen(function* () {
      const { id } = yield* register("logged")
      const logged = yield* Logged
      logged.length = 0
      yield* claims(id)
      yield* claims(id, "a-wrong-key")
      yield* claims(nobody)
      const attempts = yield* eventually(
        Effect.suspend(() => {
          const lines = logged.map((line) => JSON.parse(line)).filter(({ message }) => message === "access")
          return lines.length === 3 ? Effect.succeed(lines) : Effect.fail(lines)
        }),
      )
      assert.deepStrictEqual(
        attempts.map(({ outcome }) => outcome),
        ["OK", "UNAUTHORIZED", "USER_NOT_FOUND"],
      )
      assert.deepStrictEqual(
        attempts.map(({ user_id }) => user_id),
        [id, id, nobody],
      )
      for (const { remote_address, time } of attempts) {
        assert.strictEqual(remote_address, "127.0.0.1")
        assert.isNotNaN(Date.parse(time))
      }
      assert.notInclude(logged.join(""), zitadelKey)
      assert.notInclude(logged.join(""), "a-wrong-key")
    }),
  )

  it.effect("logs what it cannot read too, and tells strangers nothing of it", () =>
    Effect.gen(function* () {
      const logged = yield* Logged
      logged.length = 0
      const refused = yield* claims(`${nobody}?verbose=true`)
      assert.deepStrictEqual([refused.status, refused.json.error], [400, "invalid_request"])
      const stranger = yield* claims(`${nobody}?verbose=true`, "a-wrong-key")
      assert.deepStrictEqual([stranger.status, stranger.json.error], [401, "unauthorized"])
      yield* eventually(
        Effect.suspend(() => {
          const lines = logged.map((line) => JSON.parse(line)).filter(({ message }) => message === "access")
          return lines.length === 2 ? Effect.void : Effect.fail(lines)
        }),
      )
    }),
  )

  it.effect("counts every answer by its status, where only the mesh can see it", () =>
    Effect.gen(function* () {
      yield* claims(nobody)
      yield* claims(nobody, "wrong")
      const { grpcPort } = yield* Listening
      const text = yield* Effect.promise(async () => (await fetch(`http://127.0.0.1:${grpcPort}/metrics`)).text())
      const endpoint = 'endpoint="/internal/zitadel/user-claims/{user_id}"'
      for (const status of ["401", "404"]) {
        assert.match(text, new RegExp(`http_requests_total{${RegExp.escape(endpoint)},status="${status}"} \\d+`))
      }
      assert.include(text, `http_request_duration_seconds_count{${endpoint}}`)
    }),
  )

  it.effect("says so when the database refuses the statement", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`ALTER TABLE users RENAME COLUMN bio TO biography`
      const { status, json } = yield* claims(nobody)
      yield* sql`ALTER TABLE users RENAME COLUMN biography TO bio`
      assert.deepStrictEqual([status, json], [500, { error: "database_error", message: "the database failed" }])
    }),
  )
})

layer(gated(novaEnvironment), { excludeTestServices: true })("the claims route without its database", (it) => {
  it.effect.each(["closed", "hanging"] as const)("says so while it is %s, and answers again afterwards", (state) =>
    Effect.gen(function* () {
      const database = yield* DatabaseGate
      const before = yield* claims(nobody)
      assert.strictEqual(before.status, 404)
      yield* database.turn(state)
      const { status, json } = yield* claims(nobody)
      assert.deepStrictEqual([status, json], [503, { error: "database_error", message: "the database is away" }])
      const refused = yield* claims(nobody, "wrong")
      assert.strictEqual(refused.status, 401)
      yield* database.turn("open")
      yield* eventually(
        Effect.flatMap(claims(nobody), (answer) => (answer.status === 404 ? Effect.void : Effect.fail(answer))),
      )
    }),
  )
})
