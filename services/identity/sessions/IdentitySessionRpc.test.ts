import { assert, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import { TokenDefect } from "#gen/authsome/identity/v1/token_pb.ts"
import * as Server from "#shared/rpc/Server.ts"
import { eventsAbout, password, recordedOf, registered } from "../testing/People.ts"
import { identityClient } from "../testing/TestClient.ts"
import { forgedToken, novaEnvironment, running, started } from "../testing/TestIdentity.ts"

const register = registered("identity-sessions.test")
const client = { ipAddress: "203.0.113.9", userAgent: "radio/1" }

const loggedIn = Effect.fnUntraced(function* (identifier: string) {
  const identity = yield* identityClient
  const { outcome } = yield* identity.login({ identifier, password, client })
  const tokens = outcome.case === "signedIn" ? outcome.value.tokens : undefined
  return { id: tokens?.sessionId ?? "", access: tokens?.accessToken ?? "", refresh: tokens?.refreshToken ?? "" }
})

layer(running(novaEnvironment), { excludeTestServices: true })("the sessions of a user", (it) => {
  it.effect("are listed with device and times, the last used first, a page at a time", () =>
    Effect.gen(function* () {
      const { identity, id, email, sessionId } = yield* register("ada")
      const second = yield* loggedIn(email)
      const third = yield* loggedIn(email)
      yield* identity.refreshToken({ refreshToken: second.refresh })
      const { data, total, page, pageSize } = yield* identity.listSessions({ userId: id.toUpperCase() })
      assert.deepStrictEqual([total, page, pageSize], [3, 1, 20])
      assert.deepStrictEqual(
        data.map((session) => session.id),
        [second.id, third.id, sessionId],
      )
      assert.include(data[0], { userId: id, ...client })
      assert.include(data[2], { ipAddress: "", userAgent: "" })
      for (const { createdAt, lastUsedAt, expiresAt } of data) {
        assert.isTrue([createdAt, lastUsedAt, expiresAt].every((time) => time !== undefined))
      }
      const next = yield* identity.listSessions({ userId: id, page: 2, pageSize: 2 })
      assert.deepStrictEqual([next.data.map((session) => session.id), next.total], [[sessionId], 3])
      const unknown = yield* Effect.flip(identity.listSessions({ userId: third.id }))
      assert.strictEqual(unknown.reason, "USER_NOT_FOUND")
    }),
  )

  it.effect("are ended by an access token whose time is over, and by none that is not ours", () =>
    Effect.gen(function* () {
      const { identity, access, refresh } = yield* register("barbara")
      const claims = { iat: 1_700_000_000, nbf: 1_700_000_000, exp: 1_700_000_900 }
      for (const signature of ["none", "public key as secret", "another key"] as const) {
        yield* identity.logout({ token: yield* forgedToken(access, { claims, signature }) })
      }
      yield* identity.logout({ token: yield* forgedToken(access, { claims: { ...claims, aud: "another" } }) })
      assert.isTrue((yield* identity.verifyToken({ token: access })).valid)
      const expired = yield* forgedToken(access, { claims })
      assert.strictEqual((yield* identity.verifyToken({ token: expired })).defect, TokenDefect.EXPIRED)
      yield* identity.logout({ token: expired })
      assert.isFalse((yield* identity.verifyToken({ token: access })).valid)
      assert.strictEqual((yield* Effect.flip(identity.refreshToken({ refreshToken: refresh }))).reason, "SESSION_ENDED")
    }),
  )

  it.effect("are ended one by one, and only the user's own", () =>
    Effect.gen(function* () {
      const { identity, id, email, sessionId, access } = yield* register("grace")
      const other = yield* register("stranger")
      const second = yield* loggedIn(email)
      for (const _ of ["first", "again"]) yield* identity.revokeSession({ userId: id, sessionId: second.id })
      assert.isFalse((yield* identity.verifyToken({ token: second.access })).valid)
      assert.isTrue((yield* identity.verifyToken({ token: access })).valid)
      for (const foreign of [other.sessionId, id]) {
        const refused = yield* Effect.flip(identity.revokeSession({ userId: id, sessionId: foreign }))
        assert.deepStrictEqual([refused._tag, refused.reason], ["NotFound", "NOT_FOUND"])
      }
      assert.isTrue((yield* identity.verifyToken({ token: other.access })).valid)
      const { data } = yield* identity.listSessions({ userId: id })
      assert.deepStrictEqual(
        data.map((session) => session.id),
        [sessionId],
      )
      const actions = (yield* recordedOf(id)).map(({ action }) => action)
      assert.deepStrictEqual(actions, ["user.registered", "user.logged_in", "session.revoked"])
    }),
  )

  it.effect("are ended all at once, but one that is to go on", () =>
    Effect.gen(function* () {
      const { identity, id, email, sessionId, access } = yield* register("edsger")
      for (let times = 0; times < 3; times++) yield* loggedIn(email)
      const all = { userId: id, exceptSessionId: sessionId.toUpperCase() }
      assert.strictEqual((yield* identity.revokeAllUserTokens(all)).revokedSessions, 3)
      assert.strictEqual((yield* identity.revokeAllUserTokens(all)).revokedSessions, 0)
      assert.isTrue((yield* identity.verifyToken({ token: access })).valid)
      assert.strictEqual((yield* identity.revokeAllUserTokens({ userId: id })).revokedSessions, 1)
      assert.strictEqual((yield* identity.listSessions({ userId: id })).total, 0)
      const ends = (yield* eventsAbout(id)).filter((event) => event.case === "sessionRevoked")
      assert.lengthOf(ends, 4)
      const unknown = yield* Effect.flip(identity.revokeAllUserTokens({ userId: sessionId }))
      assert.strictEqual(unknown.reason, "USER_NOT_FOUND")
    }),
  )

  it.effect("outlive a race of eight clients over two processes with the same refresh token", () =>
    Effect.gen(function* () {
      const { identity, id, email } = yield* register("john")
      const { id: sessionId, refresh } = yield* loggedIn(email)
      const other = yield* Layer.build(Layer.fresh(started(novaEnvironment)))
      const elsewhere = yield* Effect.provideService(
        identityClient,
        Server.Listening,
        Context.get(other, Server.Listening),
      )
      let token = refresh
      for (let generation = 1; generation <= 5; generation++) {
        const racers = yield* Effect.all(
          Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? identity : elsewhere)).map((process) =>
            process.refreshToken({ refreshToken: token }),
          ),
          { concurrency: "unbounded" },
        )
        const next = new Set(racers.map(({ tokens }) => tokens?.refreshToken ?? ""))
        assert.strictEqual(next.size, 1, "everybody gets the same token")
        for (const { tokens } of racers) {
          assert.strictEqual(tokens?.sessionId, sessionId)
          const here = yield* identity.verifyToken({ token: tokens?.accessToken ?? "" })
          const there = yield* elsewhere.verifyToken({ token: tokens?.accessToken ?? "" })
          assert.deepStrictEqual([here.valid, there.valid], [true, true])
        }
        token = [...next][0] ?? ""
        assert.notStrictEqual(token, refresh)
      }
      const sql = yield* SqlClient.SqlClient
      const family = yield* sql<{ readonly generation: number }>`
        SELECT generation FROM refresh_tokens WHERE session_id = ${sessionId}::uuid ORDER BY generation`
      assert.deepStrictEqual(
        family.map(({ generation }) => generation),
        [0, 1, 2, 3, 4, 5],
      )
      const cases = (yield* eventsAbout(id)).map((event) => event.case)
      assert.deepStrictEqual(cases, ["userRegistered", "userLoggedIn"])
    }),
  )
})
