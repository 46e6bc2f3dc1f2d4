import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import { idToUuid } from "#shared/ids/Id.ts"
import { allSent, countingHashes, lettersTo, letterTo, tokenIn } from "../testing/Letters.ts"
import { recordedOf } from "../testing/People.ts"
import { request } from "../testing/TestClient.ts"
import { fromProxy, instanceEnvironment, type KeyOptions, Logged, running } from "../testing/TestIdentity.ts"

const password = "correct horse battery"
const newPassword = "a new horse battery"
const domain = "instance.test"

const reset = "Choose a new password"
const verify = "Verify your e-mail address"
const taken = "You have an account already"

interface Options {
  readonly key?: KeyOptions
  readonly session?: string
  readonly headers?: Readonly<Record<string, string>>
}

const post = Effect.fnUntraced(function* (path: string, body: unknown, { key, session, headers }: Options = {}) {
  return yield* request("POST", path, { headers: { ...(yield* fromProxy(key, session)), ...headers }, body })
})

const signUp = Effect.fnUntraced(function* (name: string) {
  const email = `${name}@${domain}`
  const { status, json } = yield* post("/auth/signup", { email, password, name })
  assert.strictEqual(status, 201)
  return { email, id: json.user.id, session: json.session.token }
})

const signIn = (email: string, text: string, options?: Options) =>
  post("/auth/signin", { email, password: text }, options)

const sessionStatus = (session: string) =>
  Effect.gen(function* () {
    const { status, json } = yield* request("GET", "/session", { headers: yield* fromProxy({}, session) })
    return [status, json.error?.reason]
  })

/** The names of an answer's parts, however deep, without what they hold. */
const shapeOf = (json: unknown): unknown =>
  typeof json === "object" && json !== null
    ? Object.fromEntries(Object.entries(json).map(([name, value]) => [name, shapeOf(value)]))
    : typeof json

const counts = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql`
    SELECT (SELECT count(*) FROM users)::int AS users, (SELECT count(*) FROM sessions)::int AS sessions,
      (SELECT count(*) FROM refresh_tokens)::int AS refresh_tokens,
      (SELECT count(*) FROM email_verification_tokens)::int AS tokens`,
)

layer(running({ ...instanceEnvironment, MAIL_LINK_URL: "https://shop.test" }), { excludeTestServices: true })(
  "passwords and addresses of an instance",
  (it) => {
    it.effect("tell a public key by no sign-up that an address is taken, and tell its owner", () =>
      Effect.gen(function* () {
        const { email } = yield* signUp("ada")
        const free = yield* countingHashes(post("/auth/signup", { email: `free@${domain}`, password, name: "Ada" }))
        const before = yield* counts
        const body = { email: email.toUpperCase(), password: "another password", name: "Ada" }
        const { value, hashes } = yield* countingHashes(post("/auth/signup", body))
        assert.deepStrictEqual([value.status, hashes], [free.value.status, free.hashes])
        assert.deepStrictEqual(shapeOf(value.json), shapeOf(free.value.json))
        assert.include(value.json.user, { email: body.email, name: "Ada", emailVerified: false })
        assert.match(value.json.user.id, /^usr_[a-z2-7]{26}$/)
        assert.deepStrictEqual(yield* counts, before)
        assert.isNull(value.headers.get("x-authsome-active-user"))
        assert.deepStrictEqual(yield* sessionStatus(value.json.session.token), [401, "session_ended"])
        const refreshed = yield* post("/auth/refresh", { refreshToken: value.json.session.refreshToken })
        assert.deepStrictEqual([refreshed.status, refreshed.json.error.reason], [401, "token_invalid"])
        assert.strictEqual((yield* signIn(email, "another password")).status, 401)
        assert.strictEqual((yield* signIn(email, password)).status, 200)
        assert.include(yield* letterTo(email, taken), "https://shop.test/forgot-password")
        const forFree = yield* letterTo(`free@${domain}`, verify)
        assert.include(forFree, "https://shop.test/verify-email?token=")
      }),
    )

    it.effect("tell a secret key, and its owner nothing", () =>
      Effect.gen(function* () {
        const { email } = yield* signUp("grace")
        const refused = yield* post("/auth/signup", { email, password }, { key: { kind: "secret" } })
        assert.deepStrictEqual([refused.status, refused.json.error.reason], [409, "email_taken"])
        yield* allSent
        assert.deepStrictEqual(yield* lettersTo(email, taken), [])
      }),
    )

    it.effect("answer a repeated sign-up with a taken address as the first one, and mail its owner twice an hour", () =>
      Effect.gen(function* () {
        const { email } = yield* signUp("edsger")
        const headers = { "idempotency-key": "taken" }
        const first = yield* post("/auth/signup", { email, password }, { headers })
        const second = yield* post("/auth/signup", { email, password }, { headers })
        assert.deepStrictEqual([first.status, second.json], [201, first.json])
        yield* allSent
        assert.lengthOf(yield* lettersTo(email, taken), 1)
        for (let count = 0; count < 3; count++) yield* post("/auth/signup", { email, password })
        yield* allSent
        assert.lengthOf(yield* lettersTo(email, taken), 2)
      }),
    )

    it.effect("write to nobody whose account is deleted, and keep the address", () =>
      Effect.gen(function* () {
        const { email, id } = yield* signUp("wybe")
        const sql = yield* SqlClient.SqlClient
        yield* sql`UPDATE users SET deleted_at = now() WHERE id = ${Option.getOrThrow(idToUuid("usr", id))}::uuid`
        const again = yield* post("/auth/signup", { email, password })
        assert.strictEqual(again.status, 201)
        assert.deepStrictEqual(yield* sessionStatus(again.json.session.token), [401, "session_ended"])
        for (const path of ["/auth/password-reset", "/auth/verify-email"]) yield* post(path, { email })
        yield* allSent
        for (const subject of [taken, reset]) assert.deepStrictEqual(yield* lettersTo(email, subject), [])
      }),
    )

    it.effect("make of two sign-ups with one address at the same time one account", () =>
      Effect.gen(function* () {
        const body = { email: `twins@${domain}`, password, name: "" }
        const answers = yield* Effect.all([post("/auth/signup", body), post("/auth/signup", body)], { concurrency: 2 })
        assert.deepStrictEqual(
          answers.map(({ status }) => status),
          [201, 201],
        )
        const statuses = yield* Effect.forEach(answers, ({ json }) => sessionStatus(json.session.token))
        assert.deepStrictEqual(statuses.map(([status]) => status).sort(), [200, 401])
        yield* letterTo(body.email, taken)
      }),
    )

    it.effect("are replaced by who has read the mail, and nobody is told who has an account", () =>
      Effect.gen(function* () {
        const { email, id, session } = yield* signUp("barbara")
        const known = yield* countingHashes(post("/auth/password-reset", { email }))
        const unknown = yield* countingHashes(post("/auth/password-reset", { email: `nobody@${domain}` }))
        assert.deepStrictEqual(
          [known.value.status, known.value.json, known.hashes],
          [unknown.value.status, unknown.value.json, unknown.hashes],
        )
        assert.strictEqual(known.value.status, 202)
        const letter = yield* letterTo(email, reset)
        assert.include(letter, "https://shop.test/reset-password?token=")
        const done = yield* post("/auth/password-reset/complete", { token: tokenIn(letter), newPassword })
        assert.deepStrictEqual([done.status, done.json], [204, ""])
        assert.deepStrictEqual(yield* sessionStatus(session), [401, "session_ended"])
        const again = yield* post("/auth/password-reset/complete", { token: tokenIn(letter), newPassword })
        assert.deepStrictEqual([again.status, again.json.error.reason], [401, "token_invalid"])
        assert.strictEqual((yield* signIn(email, password)).status, 401)
        assert.strictEqual((yield* signIn(email, newPassword)).status, 200)
        const recorded = yield* recordedOf(Option.getOrThrow(idToUuid("usr", id)))
        assert.deepStrictEqual(
          recorded.map(({ action }) => action),
          ["user.registered", "user.password_reset_requested", "user.password_reset", "user.logged_in"],
        )
        assert.deepInclude(recorded[2], { ipAddress: "203.0.113.9", userAgent: "tests/1" })
      }),
    )

    it.effect("are replaced by the end user, whose session goes on while the others end", () =>
      Effect.gen(function* () {
        const { email, session } = yield* signUp("donald")
        const other = (yield* signIn(email, password)).json.session.token
        const change = (currentPassword: string) =>
          post("/auth/password/change", { currentPassword, newPassword }, { session })
        const wrong = yield* change("wrong")
        assert.deepStrictEqual([wrong.status, wrong.json.error.reason], [401, "invalid_credentials"])
        assert.deepStrictEqual(yield* sessionStatus(other), [200, undefined])
        const done = yield* change(password)
        assert.deepStrictEqual([done.status, done.json], [204, ""])
        assert.deepStrictEqual(yield* sessionStatus(session), [200, undefined])
        assert.deepStrictEqual(yield* sessionStatus(other), [401, "session_ended"])
        yield* letterTo(email, "Your password was changed")
        const without = yield* post("/auth/password/change", { currentPassword: newPassword, newPassword: password })
        assert.deepStrictEqual([without.status, without.json.error.code], [401, "unauthorized"])
        const ended = yield* post(
          "/auth/password/change",
          { currentPassword: newPassword, newPassword: password },
          { session: other },
        )
        assert.deepStrictEqual([ended.status, ended.json.error.reason], [401, "session_ended"])
      }),
    )

    it.effect("are verified by the newest mail, and nobody is told who has an account", () =>
      Effect.gen(function* () {
        const { email, id } = yield* signUp("niklaus")
        const first = tokenIn(yield* letterTo(email, verify, 1))
        const verified = yield* signUp("pascal")
        yield* post("/auth/verify-email/complete", { token: tokenIn(yield* letterTo(verified.email, verify)) })
        const [known, unknown, done] = yield* Effect.forEach([email, `nobody@${domain}`, verified.email], (each) =>
          countingHashes(post("/auth/verify-email", { email: each })),
        )
        assert.strictEqual(known?.value.status, 202)
        for (const each of [unknown, done]) {
          assert.deepStrictEqual(
            [each?.value.status, each?.value.json, each?.hashes],
            [known?.value.status, known?.value.json, known?.hashes],
          )
        }
        const letter = yield* letterTo(email, verify, 2)
        yield* allSent
        assert.lengthOf(yield* lettersTo(verified.email, verify), 1)
        const old = yield* post("/auth/verify-email/complete", { token: first })
        assert.deepStrictEqual([old.status, old.json.error.reason], [401, "token_invalid"])
        for (let repeat = 0; repeat < 2; repeat++) {
          const { status, json } = yield* post("/auth/verify-email/complete", { token: tokenIn(letter) })
          assert.deepStrictEqual([status, json.user.id, json.user.emailVerified], [200, id, true])
        }
      }),
    )

    it.effect("lock an account and an address as the proxy forwards it, with a time to come again", () =>
      Effect.gen(function* () {
        const { email } = yield* signUp("tony")
        const answersTo = (address: string, right: string) =>
          Effect.forEach(["wrong", "wrong", "wrong", "wrong", "wrong", right], (text) =>
            Effect.map(signIn(address, text), ({ status, json, headers }) => {
              const { requestId: _, retryAfter, ...error } = json.error
              // Of the half minute some may have gone by.
              const seconds = Number(headers.get("retry-after"))
              return { status, error, late: seconds > 0 && seconds <= 30 && seconds === retryAfter }
            }),
          )
        const known = yield* answersTo(email, password)
        assert.deepStrictEqual(yield* answersTo(`nobody.either@${domain}`, "not wrong"), known)
        const last = known.at(-1)
        assert.deepInclude(last, { status: 429, late: true })
        assert.strictEqual(last?.error.reason, "account_locked")

        const others = yield* signUp("hoare")
        const sql = yield* SqlClient.SqlClient
        yield* sql`UPDATE guesses SET failures = 19 WHERE locked_until IS NULL`
        yield* signIn(`x@${domain}`, "wrong")
        assert.strictEqual((yield* signIn(others.email, password)).json.error?.reason, "account_locked")
        const elsewhere = { headers: { "x-forwarded-for": "203.0.113.9, 203.0.113.10" } }
        assert.strictEqual((yield* signIn(others.email, password, elsewhere)).status, 200)
        yield* sql`DELETE FROM guesses`
      }),
    )

    it.effect("lock out nobody at the address of the customer's own program, which is nobody's", () =>
      Effect.gen(function* () {
        const { email } = yield* signUp("floyd")
        const sql = yield* SqlClient.SqlClient
        const key = { kind: "secret", scopes: ["*"] }
        yield* signIn(email, "wrong")
        const countAddresses = sql<{ readonly failures: number }>`SELECT failures FROM guesses ORDER BY failures`
        const before = yield* countAddresses
        assert.isNotEmpty(before)
        assert.deepStrictEqual((yield* signIn(email, "wrong", { key })).status, 401)
        assert.deepStrictEqual(yield* countAddresses, before)
        yield* sql`UPDATE guesses SET locked_until = now() + interval '1 minute'`
        assert.strictEqual((yield* signIn(email, password)).json.error?.reason, "account_locked")
        const { status, json } = yield* signIn(email, password, { key })
        assert.strictEqual(status, 200)
        const sessions = yield* request("GET", "/sessions", { headers: yield* fromProxy(key, json.session.token) })
        const found = sessions.json.data.find((each: { readonly id: string }) => each.id === json.session.id)
        assert.deepInclude(found, { ipAddress: "", userAgent: "tests/1" })
        yield* sql`DELETE FROM guesses`
      }),
    )

    it.effect("refuse what is malformed, with the field", () =>
      Effect.gen(function* () {
        const { session } = yield* signUp("leslie")
        for (const [path, body, field] of [
          ["/auth/password-reset", { email: "nonsense" }, "email"],
          ["/auth/password-reset", {}, "email"],
          ["/auth/password-reset/complete", { token: "", newPassword }, "token"],
          ["/auth/password-reset/complete", { token: "x", newPassword: "1234567" }, "newPassword"],
          ["/auth/password-reset/complete", { token: "x", newPassword: "x".repeat(257) }, "newPassword"],
          ["/auth/verify-email", { email: `${"x".repeat(250)}@${domain}` }, "email"],
          ["/auth/verify-email/complete", { token: "x".repeat(513) }, "token"],
          ["/auth/password/change", { currentPassword: "", newPassword }, "currentPassword"],
          ["/auth/password/change", { currentPassword: password, newPassword: "short" }, "newPassword"],
          ["/auth/password/change", { currentPassword: password, newPassword, keepSessionId: "x" }, "keepSessionId"],
        ] as const) {
          const { value, hashes } = yield* countingHashes(post(path, body, { session }))
          const { error } = value.json
          assert.deepStrictEqual(
            [value.status, error.code, error.details[0].field, hashes],
            [400, "invalid_request", field, 0],
            path,
          )
        }
        for (const path of ["/auth/password-reset", "/auth/verify-email"]) {
          const { status } = yield* request("POST", path, { body: { email: `a@${domain}` } })
          assert.strictEqual(status, 401)
        }
      }),
    )

    it.effect("are in no log", () =>
      Effect.gen(function* () {
        const { email } = yield* signUp("rosza")
        yield* post("/auth/signup", { email, password })
        yield* post("/auth/password-reset", { email })
        const token = tokenIn(yield* letterTo(email, reset))
        yield* post("/auth/password-reset/complete", { token, newPassword })
        yield* letterTo(email, taken)
        const text = (yield* Logged).join("")
        for (const secret of [email, token, password, newPassword]) assert.notInclude(text, secret)
      }),
    )
  },
)
