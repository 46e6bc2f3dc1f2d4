import { expect, layer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { JwtVerifier } from "#shared/crypto/Jwt.ts"
import { tablesWith } from "../testing/TestRowsStore.ts"
import * as TestUseCases from "../testing/TestUseCases.ts"
import { audience, judge, PresentedToken, SessionId } from "./Session.ts"
import { Sessions } from "./Sessions.ts"
import { UserId } from "./User.ts"

layer(TestUseCases.layer, { excludeTestServices: true })("a session of the dashboard", (it) => {
  const opened = Effect.gen(function* () {
    const { id } = yield* TestUseCases.someUser
    return { userId: id, pair: yield* (yield* Sessions).open(id) }
  })

  it.effect("gives a token that says who, for a quarter of an hour, to the dashboard alone", () =>
    Effect.gen(function* () {
      const verifier = yield* JwtVerifier
      const { userId, pair } = yield* opened
      const token = yield* verifier.verify(Redacted.value(pair.token), audience)
      expect(token).toMatchObject({ subject: userId, issuer: "authsome-cloud", audience: "authsome-dashboard" })
      expect(token.claims["sid"]).toMatch(/^ses_[a-z2-7]{26}$/)
      expect(token.expiresAt - token.issuedAt).toBe(900)
      expect(DateTime.toEpochMillis(pair.expiresAt) / 1000).toBe(token.expiresAt)
      expect(yield* Effect.flip(verifier.verify(Redacted.value(pair.token), "another"))).toMatchObject({
        reason: "claims",
      })
    }),
  )

  it.effect("goes on by its refresh token, each of which works once", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { pair } = yield* opened
      const next = yield* sessions.refresh(pair.refreshToken)
      const third = yield* sessions.refresh(next.refreshToken)
      expect(new Set([pair, next, third].map(({ refreshToken }) => Redacted.value(refreshToken))).size).toBe(3)
    }),
  )

  it.effect("ends for everybody when a refresh token comes twice", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { pair } = yield* opened
      const next = yield* sessions.refresh(pair.refreshToken)
      expect(yield* Effect.flip(sessions.refresh(pair.refreshToken))).toMatchObject({ _tag: "RefreshTokenReused" })
      expect(yield* Effect.flip(sessions.refresh(next.refreshToken))).toMatchObject({ _tag: "SessionEnded" })
    }),
  )

  it.effect("is not shared by two who use one refresh token at the same time", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { pair } = yield* opened
      const both = [sessions.refresh(pair.refreshToken), sessions.refresh(pair.refreshToken)]
      const outcomes = yield* Effect.all(both.map(Effect.result), { concurrency: "unbounded" })
      expect(outcomes.map(({ _tag }) => _tag).sort()).toEqual(["Failure", "Success"])
    }),
  )

  it.effect("ends when its owner leaves, alone or with all others", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const verifier = yield* JwtVerifier
      const { userId, pair } = yield* opened
      const other = yield* sessions.open(userId)
      const { claims } = yield* verifier.verify(Redacted.value(pair.token), audience)
      yield* sessions.end(SessionId.make(String(claims["sid"])))
      expect(yield* Effect.flip(sessions.refresh(pair.refreshToken))).toMatchObject({ _tag: "SessionEnded" })
      const next = yield* sessions.refresh(other.refreshToken)
      yield* sessions.endAll(userId)
      expect(yield* Effect.flip(sessions.refresh(next.refreshToken))).toMatchObject({ _tag: "SessionEnded" })
    }),
  )

  it.effect("knows no token that it did not give, and keeps none of those that it gave", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const unknown = Redacted.make("c3VyZWx5LW5vdC1hLXRva2Vu")
      expect(yield* Effect.flip(sessions.refresh(unknown))).toMatchObject({ _tag: "RefreshTokenUnknown" })
      const { pair } = yield* opened
      expect(yield* tablesWith(Redacted.value(pair.refreshToken))).toEqual([])
    }),
  )

  it("is over a month after it was last used", () => {
    const now = DateTime.makeUnsafe("2026-01-31T00:00:00Z")
    const token = new PresentedToken({
      sessionId: SessionId.make("ses_1"),
      userId: UserId.make("usr_1"),
      used: false,
      ended: false,
      expiresAt: now,
    })
    expect(judge(token, DateTime.subtract(now, { seconds: 1 }))).toBe("rotate")
    expect(judge(token, now)).toBe("ended")
  })
})
