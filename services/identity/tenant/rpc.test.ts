import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import { idToUuid } from "#shared/ids/Id.ts"
import { identityClient, request } from "../testing/TestClient.ts"
import {
  applicationId,
  fromProxy,
  instanceEnvironment,
  type KeyOptions,
  Logged,
  running,
  strangersKey,
} from "../testing/TestIdentity.ts"

const password = "correct horse battery"

/** A request with a key, and a session where one is given. */
const call = Effect.fnUntraced(function* (
  method: string,
  path: string,
  { body, key, session }: { readonly body?: unknown; readonly key?: KeyOptions; readonly session?: string } = {},
) {
  return yield* request(method, path, { headers: yield* fromProxy(key, session), body })
})

const signUp = Effect.fnUntraced(function* (name: string) {
  const email = `${name}@example.com`
  const { status, json, headers } = yield* call("POST", "/auth/signup", { body: { email, password, name } })
  assert.strictEqual(status, 201)
  return {
    email,
    json,
    headers,
    id: json.user.id,
    session: json.session.token,
    refreshToken: json.session.refreshToken,
  }
})

layer(running(instanceEnvironment), { excludeTestServices: true })("an instance's REST API", (it) => {
  it.effect("signs an end user up, in the documented shape", () =>
    Effect.gen(function* () {
      const { json, headers, email, id } = yield* signUp("ada")
      assert.deepStrictEqual(Object.keys(json).sort(), ["session", "user"])
      assert.deepStrictEqual(Object.keys(json.user).sort(), ["createdAt", "email", "emailVerified", "id", "name"])
      assert.include(json.user, { email, name: "ada", emailVerified: false })
      assert.match(id, /^usr_[a-z2-7]{26}$/)
      assert.match(json.session.id, /^ses_[a-z2-7]{26}$/)
      assert.isAbove(Date.parse(json.session.expiresAt), Date.parse(json.user.createdAt))
      assert.strictEqual(headers.get("x-authsome-active-user"), id)
      assert.strictEqual(headers.get("x-authsome-route"), "/auth/signup")
    }),
  )

  it.effect("signs in by either path, and reads the session", () =>
    Effect.gen(function* () {
      const { email, id } = yield* signUp("grace")
      for (const path of ["/auth/signin", "/auth/login"]) {
        const { status, json, headers } = yield* call("POST", path, { body: { email: email.toUpperCase(), password } })
        assert.deepStrictEqual([status, json.user.id, headers.get("x-authsome-active-user")], [200, id, id])
        const { json: current, headers: currentHeaders } = yield* call("GET", "/session", {
          session: json.session.token,
        })
        assert.deepStrictEqual(current.user, json.user)
        assert.include(current.session, {
          id: json.session.id,
          userId: id,
          current: true,
          ipAddress: "203.0.113.9",
          userAgent: "tests/1",
        })
        assert.isNull(currentHeaders.get("x-authsome-active-user"))
      }
    }),
  )

  it.effect("refreshes a session, and ends it", () =>
    Effect.gen(function* () {
      const { session, refreshToken, id } = yield* signUp("edsger")
      const refreshed = yield* call("POST", "/auth/refresh", { body: { refreshToken } })
      assert.deepStrictEqual([refreshed.status, refreshed.headers.get("x-authsome-active-user")], [200, id])
      assert.notStrictEqual(refreshed.json.session.refreshToken, refreshToken)
      const out = yield* call("POST", "/auth/signout", { session, body: {} })
      assert.deepStrictEqual([out.status, out.json], [204, ""])
      for (const token of [session, refreshed.json.session.token]) {
        const { status, json } = yield* call("GET", "/session", { session: token })
        assert.deepStrictEqual([status, json.error.code, json.error.reason], [401, "unauthorized", "session_ended"])
      }
      const over = yield* call("POST", "/auth/refresh", { body: { refreshToken: refreshed.json.session.refreshToken } })
      assert.deepStrictEqual([over.status, over.json.error.reason], [401, "session_ended"])
    }),
  )

  it.effect("tells an unknown address from a wrong password by nothing", () =>
    Effect.gen(function* () {
      const { email } = yield* signUp("barbara")
      const wrong = yield* call("POST", "/auth/signin", { body: { email, password: "wrong" } })
      const unknown = yield* call("POST", "/auth/signin", { body: { email: "nobody@example.com", password } })
      assert.strictEqual(wrong.status, 401)
      assert.deepStrictEqual(
        [wrong.status, { ...wrong.json.error, requestId: "" }],
        [unknown.status, { ...unknown.json.error, requestId: "" }],
      )
      assert.strictEqual(wrong.json.error.reason, "invalid_credentials")
    }),
  )

  it.effect("refuses an address that is taken, and takes a repeated sign-up as one", () =>
    Effect.gen(function* () {
      const { email } = yield* signUp("donald")
      const key: KeyOptions = { kind: "secret" }
      const taken = yield* call("POST", "/auth/signup", { key, body: { email: email.toUpperCase(), password } })
      assert.deepStrictEqual(
        [taken.status, taken.json.error.code, taken.json.error.reason],
        [409, "conflict", "email_taken"],
      )
      const repeated = yield* Effect.forEach([1, 2], () =>
        Effect.flatMap(fromProxy(), (headers) =>
          request("POST", "/auth/signup", {
            headers: { ...headers, "idempotency-key": "once" },
            body: { email: "once@example.com", password },
          }),
        ),
      )
      assert.deepStrictEqual(
        repeated.map(({ status }) => status),
        [201, 201],
      )
      assert.deepStrictEqual(repeated[1]?.json, repeated[0]?.json)
      const session = repeated[1]?.json.session.token
      assert.strictEqual((yield* call("GET", "/session", { session })).status, 200)
    }),
  )

  it.effect("gives the answer to a sign-up to nobody who knows its idempotency key alone", () =>
    Effect.gen(function* () {
      const headers = { ...(yield* fromProxy()), "idempotency-key": "guessed" }
      const mine = { email: "mine@example.com", password, name: "Mine" }
      const first = yield* request("POST", "/auth/signup", { headers, body: mine })
      assert.strictEqual(first.status, 201)
      for (const body of [
        { ...mine, password: "another password" },
        { ...mine, name: "Yours" },
        { email: "yours@example.com", password },
      ]) {
        const refused = yield* request("POST", "/auth/signup", { headers, body })
        assert.deepStrictEqual([refused.status, refused.json.error.reason], [409, "request_id_reused"])
        assert.notInclude(JSON.stringify(refused.json), first.json.user.id)
      }
      const elsewhere = { ...(yield* fromProxy({ kind: "secret", name: "key_other" })), "idempotency-key": "guessed" }
      const other = yield* request("POST", "/auth/signup", { headers: elsewhere, body: mine })
      assert.deepStrictEqual([other.status, other.json.error.reason], [409, "email_taken"])
    }),
  )

  it.effect("records what happened to whom, by which key, from where", () =>
    Effect.gen(function* () {
      const { id, session } = yield* signUp("sophie")
      const key: KeyOptions = { kind: "secret", scopes: ["users:write"] }
      yield* call("PATCH", `/users/${id}`, { key, body: { bio: "number theory" } })
      yield* call("PATCH", `/users/${id}`, { key, body: { bio: "number theory" } })
      yield* call("PATCH", "/session/user", { session, body: { bio: "" } })
      yield* call("POST", "/auth/signout", { session, body: {} })
      const sql = yield* SqlClient.SqlClient
      const rows = yield* sql<{ readonly action: string }>`
        SELECT action, key_id, peer, ip_address, user_agent FROM security_audit_log
        WHERE user_id = ${Option.getOrThrow(idToUuid("usr", id))}::uuid ORDER BY occurred_at, id`
      const from = { keyId: "key_tests", peer: null, ipAddress: "203.0.113.9", userAgent: "tests/1" }
      assert.deepStrictEqual(
        rows,
        ["user.registered", "user.profile_updated", "user.profile_updated", "user.logged_out"].map((action) => ({
          action,
          ...from,
        })),
      )
    }),
  )

  it.effect("refuses what is malformed, with the field", () =>
    Effect.gen(function* () {
      for (const [body, field] of [
        [{ email: "nonsense", password }, "email"],
        [{ email: "a@example.com", password: "short" }, "password"],
        [{ email: "a@example.com", password: "x".repeat(257) }, "password"],
        [{ email: "a@example.com", password, role: "admin" }, "role"],
        [{ email: 7, password }, "email"],
        [[], ""],
      ] as const) {
        const { status, json } = yield* call("POST", "/auth/signup", { body })
        assert.deepStrictEqual(
          [status, json.error.code, json.error.details[0].field],
          [400, "invalid_request", field],
          JSON.stringify(body).slice(0, 60),
        )
      }
    }),
  )

  it.effect("believes nobody but the proxy, and it only about this application", () =>
    Effect.gen(function* () {
      const { session, email } = yield* signUp("tony")
      const body = { email, password }
      const good = yield* call("POST", "/auth/signin", { body })
      assert.strictEqual(good.status, 200)
      const refusals: ReadonlyArray<readonly [string, KeyOptions]> = [
        ["another application", { application: "app_otherotherother22" }],
        ["another key", { signedBy: strangersKey }],
        ["another issuer", { issuer: applicationId }],
        ["expired", { lifetime: "-1 minute" }],
        ["neither public nor secret", { kind: "admin", scopes: ["*"] }],
      ]
      for (const [why, key] of refusals) {
        const signIn = yield* call("POST", "/auth/signin", { body, key })
        assert.deepStrictEqual([signIn.status, signIn.json.error.code], [401, "unauthorized"], why)
        const read = yield* call("GET", "/session", { session, key })
        assert.strictEqual(read.status, 401, why)
        assert.strictEqual((yield* call("GET", "/users", { key })).status, 401, why)
      }
      for (const headers of [{}, { "x-authsome-identity": "nonsense" }, { "x-authsome-identity": session }]) {
        assert.strictEqual((yield* request("POST", "/auth/signin", { headers, body })).status, 401)
        assert.strictEqual((yield* request("GET", "/users", { headers })).status, 401)
      }
    }),
  )

  it.effect("lets a secret key do what its scopes say, and a public key none of it", () =>
    Effect.gen(function* () {
      const { id, session } = yield* signUp("niklaus")
      const reader: KeyOptions = { kind: "secret", scopes: ["users:read"] }
      const paths = [
        ["GET", "/users", undefined],
        ["GET", `/users/${id}`, undefined],
        ["PATCH", `/users/${id}`, { bio: "Pascal" }],
      ] as const
      const statuses = (key: KeyOptions) =>
        Effect.forEach(paths, ([method, path, body]) =>
          Effect.map(
            call(method, path, { key, session, ...(body === undefined ? {} : { body }) }),
            ({ status }) => status,
          ),
        )
      assert.deepStrictEqual(yield* statuses({ kind: "public", scopes: ["*", "users:read"] }), [403, 403, 403])
      assert.deepStrictEqual(yield* statuses({ kind: "secret", scopes: ["organizations:read"] }), [403, 403, 403])
      assert.deepStrictEqual(yield* statuses(reader), [200, 200, 403])
      assert.deepStrictEqual(yield* statuses({ kind: "secret", scopes: ["*"] }), [200, 200, 200])
      const { json } = yield* call("PATCH", `/users/${id}`, { body: {}, key: reader })
      assert.deepStrictEqual([json.error.code, json.error.reason], ["forbidden", "scope_missing"])
    }),
  )

  it.effect("offers nothing but what its contract says", () =>
    Effect.gen(function* () {
      const key: KeyOptions = { kind: "secret", scopes: ["*"] }
      for (const path of ["/nonsense", "/internal/zitadel/user-claims/x", "/metrics"]) {
        assert.strictEqual((yield* call("GET", path, { key })).status, 404, path)
      }
    }),
  )

  it.effect("shows the same people by gRPC, under a username that tells nothing", () =>
    Effect.gen(function* () {
      const { id, email } = yield* signUp("frances")
      const identity = yield* identityClient
      const { data } = yield* identity.listUsers({ search: email })
      assert.include(data[0], { email, username: id })
      const { valid, claims } = yield* identity.verifyToken({ token: (yield* signUp("allen")).session })
      assert.isTrue(valid)
      assert.include(claims, { issuer: applicationId, audience: applicationId })
    }),
  )

  it.effect("writes no events where nobody could read them, and logs nobody's secrets", () =>
    Effect.gen(function* () {
      const { email, session, refreshToken } = yield* signUp("rosza")
      const sql = yield* SqlClient.SqlClient
      assert.deepStrictEqual(yield* sql`SELECT 1 FROM outbox`, [])
      const text = (yield* Logged).join("")
      for (const secret of [email, password, session, refreshToken]) assert.notInclude(text, secret)
    }),
  )
})

layer(running({ ...instanceEnvironment, INTERNAL_GRPC_API_KEY: "" }), { excludeTestServices: true })(
  "an instance without a key for the mesh",
  (it) => {
    it.effect("lets nobody call by gRPC", () =>
      Effect.gen(function* () {
        const identity = yield* identityClient
        const refused = yield* Effect.flip(identity.listUsers({}))
        assert.strictEqual(refused._tag, "Unauthenticated")
      }),
    )
  },
)
