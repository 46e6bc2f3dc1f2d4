import { assert, layer } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { LoginResponse } from "#gen/authsome/identity/v1/session_pb.ts"
import { TokenDefect } from "#gen/authsome/identity/v1/token_pb.ts"
import { password, registered } from "../testing/People.ts"
import { forgedToken, novaEnvironment, running } from "../testing/TestIdentity.ts"

const register = registered("tokens.test")

const signedIn = ({ outcome }: LoginResponse) => (outcome.case === "signedIn" ? outcome.value : undefined)

layer(running(novaEnvironment), { excludeTestServices: true })("the tokens of a session", (it) => {
  it.effect("judges access tokens, their sessions and their accounts", () =>
    Effect.gen(function* () {
      const { identity, id, access, sessionId } = yield* register("tony")
      const { valid, claims, defect } = yield* identity.verifyToken({ token: access })
      assert.isTrue(valid)
      assert.strictEqual(defect, TokenDefect.UNSPECIFIED)
      assert.include(claims, { userId: id, sessionId, issuer: "nova-identity", audience: "nova" })
      const [head, body, signature] = access.split(".")
      const header = JSON.parse(Buffer.from(head ?? "", "base64url").toString())
      assert.include(header, { alg: "EdDSA", typ: "at+jwt" })
      assert.isString(header.kid)
      const altered = `${signature?.startsWith("A") ? "B" : "A"}${signature?.slice(1)}`
      for (const bad of ["nonsense", "a.b.c", `${head}.${body}.${altered}`, `${head}.${body}.`]) {
        const verdict = yield* identity.verifyToken({ token: bad })
        assert.deepStrictEqual(
          [verdict.valid, verdict.claims, verdict.defect],
          [false, undefined, TokenDefect.MALFORMED],
        )
      }
    }),
  )

  it.effect("takes no token of another algorithm, type, audience, issuer or time", () =>
    Effect.gen(function* () {
      const { identity, access } = yield* register("leslie")
      const verdictOf = (changes: Parameters<typeof forgedToken>[1]) =>
        Effect.flatMap(forgedToken(access, changes), (token) => identity.verifyToken({ token }))
      const good = yield* verdictOf({})
      assert.isTrue(good.valid)
      const hour = Math.floor((yield* Clock.currentTimeMillis) / 1000) - 3600
      for (const [changes, defect] of [
        [{ header: { alg: "none" }, signature: "none" }, TokenDefect.MALFORMED],
        [{ header: { alg: "HS256" }, signature: "public key as secret" }, TokenDefect.MALFORMED],
        [{ header: { typ: "JWT" } }, TokenDefect.MALFORMED],
        [{ header: { kid: "sig_unknown" } }, TokenDefect.MALFORMED],
        [{ claims: { aud: "app_abcdefghij234567" } }, TokenDefect.MALFORMED],
        [{ claims: { iss: "somebody" } }, TokenDefect.MALFORMED],
        [{ claims: { sid: "not a session" } }, TokenDefect.MALFORMED],
        [{ claims: { iat: hour, nbf: hour, exp: hour + 900 } }, TokenDefect.EXPIRED],
        [{ signature: "another key" }, TokenDefect.MALFORMED],
      ] as const) {
        const verdict = yield* verdictOf(changes)
        assert.deepStrictEqual([verdict.valid, verdict.defect], [false, defect], JSON.stringify(changes))
      }
    }),
  )

  it.effect("ends the session of a token, whichever of both it is", () =>
    Effect.gen(function* () {
      const { identity, email, access, refresh } = yield* register("niklaus")
      const other = signedIn(yield* identity.login({ identifier: email, password }))?.tokens
      yield* identity.logout({ token: access })
      assert.strictEqual((yield* identity.verifyToken({ token: access })).defect, TokenDefect.REVOKED)
      const refused = yield* Effect.flip(identity.refreshToken({ refreshToken: refresh }))
      assert.strictEqual(refused.reason, "SESSION_ENDED")
      assert.isTrue((yield* identity.verifyToken({ token: other?.accessToken ?? "" })).valid)
      yield* identity.revokeToken({ token: other?.refreshToken ?? "" })
      assert.isFalse((yield* identity.verifyToken({ token: other?.accessToken ?? "" })).valid)
      for (const again of [access, refresh, "unknown", "un.know.n"]) yield* identity.logout({ token: again })
    }),
  )

  it.effect("exchanges a refresh token, and knows a retry from a theft", () =>
    Effect.gen(function* () {
      const { identity, refresh, sessionId } = yield* register("john")
      const refreshed = (token: string) =>
        Effect.map(identity.refreshToken({ refreshToken: token }), ({ tokens }) => tokens)
      const racers = yield* Effect.all(
        Array.from({ length: 8 }, () => refreshed(refresh)),
        { concurrency: "unbounded" },
      )
      const [second = ""] = racers.map((tokens) => tokens?.refreshToken ?? "")
      assert.notStrictEqual(second, refresh)
      for (const tokens of racers) {
        assert.strictEqual(tokens?.refreshToken, second)
        assert.strictEqual(tokens?.sessionId, sessionId)
        assert.isTrue((yield* identity.verifyToken({ token: tokens?.accessToken ?? "" })).valid)
      }
      const third = (yield* refreshed(second))?.refreshToken ?? ""
      const sql = yield* SqlClient.SqlClient
      yield* sql`UPDATE refresh_tokens SET used_at = used_at - interval '11 seconds' WHERE session_id = ${sessionId}::uuid`
      const repeated = yield* refreshed(second)
      assert.strictEqual(repeated?.refreshToken, third, "the answer was never used: it may have been lost")
      const stolen = yield* Effect.flip(refreshed(refresh))
      assert.deepStrictEqual([stolen._tag, stolen.reason], ["Unauthenticated", "TOKEN_REUSED"])
      const over = yield* Effect.flip(refreshed(third))
      assert.strictEqual(over.reason, "SESSION_ENDED")
      const unknown = yield* Effect.flip(refreshed("unknown"))
      assert.strictEqual(unknown.reason, "TOKEN_INVALID")
      const [count] =
        yield* sql`SELECT count(*)::int AS tokens FROM refresh_tokens WHERE session_id = ${sessionId}::uuid`
      assert.deepStrictEqual(count, { tokens: 3 })
    }),
  )
})
