import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import { idToUuid } from "#shared/ids/Id.ts"
import { shown, wrong } from "../testing/TestAuthenticator.ts"
import { request } from "../testing/TestClient.ts"
import {
  applicationId,
  fromProxy,
  instanceEnvironment,
  type KeyOptions,
  Logged,
  running,
} from "../testing/TestIdentity.ts"

const password = "correct horse battery"

interface CallOptions {
  readonly body?: unknown
  readonly key?: KeyOptions
  readonly session?: string
}

const call = Effect.fnUntraced(function* (method: string, path: string, { body, key, session }: CallOptions = {}) {
  return yield* request(method, path, { headers: yield* fromProxy(key, session), body })
})

/** What became of a call: its status, and the reason of a refusal. */
const outcome = (method: string, path: string, options?: CallOptions) =>
  Effect.map(call(method, path, options), ({ status, json }) => [status, json?.error?.reason ?? ""] as const)

const signUp = Effect.fnUntraced(function* (name: string) {
  const email = `${name}@example.com`
  const { json } = yield* call("POST", "/auth/signup", { body: { email, password, name } })
  return { email, id: json.user.id, session: json.session.token }
})

/** An end user who takes codes; the step before this one is used up. */
const enrolled = Effect.fnUntraced(function* (name: string) {
  const { email, id, session } = yield* signUp(name)
  const { json: enrolment } = yield* call("POST", "/auth/totp/enroll", { session, body: { password } })
  const code = yield* shown(enrolment.secret, -1)
  const { json: confirmed } = yield* call("POST", "/auth/totp/confirm", { session, body: { code } })
  const recoveryCodes: ReadonlyArray<string> = confirmed.recoveryCodes
  return { email, id, session, enrolment, secret: String(enrolment.secret), recoveryCodes }
})

const challenged = (email: string, key?: KeyOptions) =>
  Effect.map(
    call("POST", "/auth/signin", { body: { email, password }, ...(key === undefined ? {} : { key }) }),
    ({ json }) => String(json.challenge?.token),
  )

layer(running(instanceEnvironment), { excludeTestServices: true })("codes at an instance", (it) => {
  it.effect("are turned on by who has session and password, and asked for from then on", () =>
    Effect.gen(function* () {
      const { email, id, session, enrolment, recoveryCodes, secret } = yield* enrolled("ada")
      assert.deepStrictEqual(Object.keys(enrolment).sort(), ["otpauthUri", "qrCodeSvg", "secret"])
      const uri = `otpauth://totp/${applicationId}:ada%40example.com?secret=${secret}&issuer=${applicationId}`
      assert.strictEqual(enrolment.otpauthUri, uri)
      assert.lengthOf(recoveryCodes, 10)
      assert.isTrue((yield* call("GET", "/session/user", { session })).json.totpEnabled)

      const signIn = yield* call("POST", "/auth/signin", { body: { email, password } })
      assert.strictEqual(signIn.status, 200)
      assert.deepStrictEqual(
        Object.keys(signIn.json).filter((name) => signIn.json[name] !== null),
        ["challenge"],
      )
      assert.isNull(signIn.headers.get("x-authsome-active-user"))
      const { token: challengeToken, expiresAt } = signIn.json.challenge
      assert.closeTo(Date.parse(expiresAt) - Date.parse(signIn.headers.get("date") ?? ""), 300_000, 30_000)

      const code = yield* shown(secret)
      const answered = yield* call("POST", "/auth/totp/verify", { body: { challengeToken, code } })
      assert.deepStrictEqual([answered.status, answered.json.user.id], [200, id])
      assert.strictEqual(answered.headers.get("x-authsome-active-user"), id)
      assert.notProperty(answered.json, "recoveryCodesLeft")
      const read = yield* call("GET", "/session", { session: answered.json.session.token })
      assert.deepStrictEqual([read.status, read.json.session.ipAddress], [200, "203.0.113.9"])

      const again = { body: { challengeToken, code } }
      assert.deepStrictEqual(yield* outcome("POST", "/auth/totp/verify", again), [401, "token_invalid"])
      const replayed = { body: { challengeToken: yield* challenged(email), code } }
      assert.deepStrictEqual(yield* outcome("POST", "/auth/totp/verify", replayed), [401, "invalid_credentials"])

      const sql = yield* SqlClient.SqlClient
      const rows = yield* sql`
        SELECT action, key_id, ip_address FROM security_audit_log
        WHERE user_id = ${Option.getOrThrow(idToUuid("usr", id))}::uuid ORDER BY occurred_at, id`
      const from = { keyId: "key_tests", ipAddress: "203.0.113.9" }
      assert.deepStrictEqual(
        rows,
        ["user.registered", "user.totp_enabled", "user.logged_in"].map((action) => ({ action, ...from })),
      )
    }),
  )

  it.effect("are not turned on by who has the session alone", () =>
    Effect.gen(function* () {
      const { email, session } = yield* signUp("grace")
      const stolen = { session, body: { password: "a guess" } }
      assert.deepStrictEqual(yield* outcome("POST", "/auth/totp/enroll", stolen), [401, "invalid_credentials"])
      const confirm = { session, body: { code: "000000" } }
      assert.deepStrictEqual(yield* outcome("POST", "/auth/totp/confirm", confirm), [401, "token_invalid"])
      const missing = { session, body: {} }
      assert.deepStrictEqual(yield* outcome("POST", "/auth/totp/enroll", missing), [400, "invalid_request"])
      assert.strictEqual((yield* call("POST", "/auth/totp/enroll", { body: { password } })).status, 401)
      for (const _ of [1, 2, 3, 4]) yield* call("POST", "/auth/totp/enroll", stolen)
      const locked = yield* call("POST", "/auth/totp/enroll", { session, body: { password } })
      assert.deepStrictEqual([locked.status, locked.json.error.reason], [429, "account_locked"])
      assert.isAbove(Number(locked.headers.get("retry-after")), 0)
      const signIn = { body: { email, password } }
      assert.deepStrictEqual(yield* outcome("POST", "/auth/signin", signIn), [429, "account_locked"])
    }),
  )

  it.effect("are asked for by challenges that another key cannot answer", () =>
    Effect.gen(function* () {
      const { email, secret } = yield* enrolled("edsger")
      const body = { challengeToken: yield* challenged(email), code: yield* shown(secret) }
      const other = { body, key: { name: "key_other" } }
      assert.deepStrictEqual(yield* outcome("POST", "/auth/totp/verify", other), [401, "token_invalid"])
      assert.deepStrictEqual(yield* outcome("POST", "/auth/totp/verify", { body }), [200, ""])
    }),
  )

  it.effect("can be replaced by recovery codes, which a code replaces", () =>
    Effect.gen(function* () {
      const { email, session, secret, recoveryCodes } = yield* enrolled("barbara")
      const [first = "", second = "", third = ""] = recoveryCodes
      const body = { challengeToken: yield* challenged(email), code: first.toUpperCase().replaceAll("-", "") }
      const answered = yield* call("POST", "/auth/totp/verify", { body })
      assert.deepStrictEqual([answered.status, answered.json.recoveryCodesLeft], [200, 9])
      const code = yield* shown(secret)
      const renewed = yield* call("POST", "/auth/totp/recovery-codes", { session, body: { code } })
      assert.deepStrictEqual([renewed.status, renewed.json.recoveryCodes.length], [200, 10])
      for (const old of [first, second, third]) {
        const disable = { session, body: { code: old } }
        assert.deepStrictEqual(yield* outcome("POST", "/auth/totp/disable", disable), [401, "invalid_credentials"])
      }
      const disable = { session, body: { code: renewed.json.recoveryCodes[0] } }
      assert.deepStrictEqual(yield* outcome("POST", "/auth/totp/disable", disable), [204, ""])
      assert.deepStrictEqual(yield* outcome("POST", "/auth/totp/disable", disable), [409, "totp_disabled"])
      const signIn = yield* call("POST", "/auth/signin", { body: { email, password } })
      assert.isString(signIn.json.session.token)
    }),
  )

  it.effect("are reset by a secret key that may change users, for who has lost everything", () =>
    Effect.gen(function* () {
      const { email, id, secret } = yield* enrolled("donald")
      const challengeToken = yield* challenged(email)
      const path = `/users/${id}/totp`
      const key: KeyOptions = { kind: "secret", scopes: ["users:write"] }
      for (const scopes of [["users:read"], []]) {
        assert.deepStrictEqual(yield* outcome("DELETE", path, { key: { ...key, scopes } }), [403, "scope_missing"])
      }
      assert.strictEqual((yield* call("DELETE", path, { key: { kind: "public", scopes: ["*"] } })).status, 403)
      for (const _ of ["on", "off already"]) assert.deepStrictEqual(yield* outcome("DELETE", path, { key }), [204, ""])
      const nobody = yield* outcome("DELETE", "/users/usr_aeixuvnms53uxpgowmbati5ak4/totp", { key })
      assert.deepStrictEqual(nobody, [404, "user_not_found"])
      const late = { body: { challengeToken, code: yield* shown(secret) } }
      assert.deepStrictEqual(yield* outcome("POST", "/auth/totp/verify", late), [401, "token_invalid"])
      const signIn = yield* call("POST", "/auth/signin", { body: { email, password } })
      assert.isString(signIn.json.session.token)
      const sql = yield* SqlClient.SqlClient
      const userId = Option.getOrThrow(idToUuid("usr", id))
      const [told] = yield* sql`
        SELECT (SELECT count(*)::int FROM mails WHERE user_id = ${userId}::uuid AND kind = 'totpReset') AS mails,
          (SELECT count(*)::int FROM security_audit_log WHERE user_id = ${userId}::uuid AND action = 'user.totp_reset')
            AS events`
      assert.deepStrictEqual(told, { mails: 1, events: 1 })
    }),
  )

  it.effect("lock the account when too many are wrong, and leave no trace in the log", () =>
    Effect.gen(function* () {
      const { email, session, secret, recoveryCodes } = yield* enrolled("hedy")
      const [bad, challengeToken] = [yield* wrong(secret), yield* challenged(email)]
      for (const _ of [1, 2, 3, 4, 5]) {
        const guess = { body: { challengeToken, code: bad } }
        assert.deepStrictEqual(yield* outcome("POST", "/auth/totp/verify", guess), [401, "invalid_credentials"])
      }
      const guess = { session, body: { code: yield* shown(secret) } }
      assert.deepStrictEqual(yield* outcome("POST", "/auth/totp/disable", guess), [429, "account_locked"])
      const text = (yield* Logged).join("")
      for (const hidden of [email, password, session, secret, challengeToken, ...recoveryCodes]) {
        assert.notInclude(text, hidden)
      }
    }),
  )
})
