/** The claims route with a cache in front of the database, over the whole program. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as SqlClient from "effect/sql/SqlClient"
import { eventually } from "#shared/testing/eventually.ts"
import { registered } from "../testing/People.ts"
import { DatabaseGate, novaEnvironment } from "../testing/TestIdentity.ts"
import { claims } from "./testing/ClaimsRoute.ts"
import { redisIs } from "./testing/TargetClient.ts"
import { RedisGate, withRedis } from "./testing/WithRedis.ts"

const register = registered("example.com")

/** Changes the account behind the program's back. */
const secretly = Effect.fnUntraced(function* (id: string, bio: string) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`UPDATE users SET bio = ${bio} WHERE id = ${id}::uuid`
})

/** Waits until the claims are served without a look at the database. */
const cached = (id: string, bio: string) =>
  eventually(
    Effect.gen(function* () {
      yield* claims(id)
      yield* secretly(id, "secret")
      const { json } = yield* claims(id)
      yield* secretly(id, bio)
      if (json.bio === "secret") return yield* Effect.fail(json)
    }),
  )

const environment = { ...novaEnvironment, CLAIMS_CACHE_TTL: "1 minute" }

layer(withRedis(environment), { excludeTestServices: true })("the claims route with a cache", (it) => {
  it.effect("shows a change in the very next answer, and in every later one, to however many ask", () =>
    Effect.gen(function* () {
      const { identity, id } = yield* register("grace")
      yield* identity.updateUserProfile({ userId: id, bio: "0" })
      let acknowledged = 0
      let done = false
      let answers = 0
      const reader = Effect.gen(function* () {
        while (!done) {
          const floor = acknowledged
          const { status, json } = yield* claims(id)
          assert.strictEqual(status, 200)
          assert.isAtLeast(Number(json.bio), floor)
          answers++
        }
      })
      const readers = yield* Effect.forEach(Array.from({ length: 8 }), () => Effect.forkChild(reader))
      for (let version = 1; version <= 60; version++) {
        yield* identity.updateUserProfile({ userId: id, bio: String(version) })
        acknowledged = version
        const { json } = yield* claims(id)
        assert.strictEqual(json.bio, String(version))
      }
      done = true
      yield* Effect.forEach(readers, Fiber.join)
      assert.isAbove(answers, 60)
      yield* cached(id, "60")
    }),
  )

  it.effect.each(["deleteUser", "eraseUser"] as const)(
    "knows nobody after %s, to however many ask, and whatever else is changed meanwhile",
    (end) =>
      Effect.gen(function* () {
        const database = yield* DatabaseGate
        for (let round = 1; round <= 12; round++) {
          const { identity, id } = yield* register(`${end}_${round}`)
          let acknowledged = 0
          let gone = false
          let done = false
          let answers = 0
          const reader = Effect.gen(function* () {
            while (!done) {
              const [floor, expected] = [acknowledged, gone]
              const { status, json } = yield* claims(id)
              if (expected) assert.strictEqual(status, 404)
              if (status !== 404) assert.isAtLeast(Number(json.bio ?? 0), floor)
              answers++
            }
          })
          const update = Effect.gen(function* () {
            for (let version = 1; ; version++) {
              yield* identity.updateUserProfile({ userId: id, bio: String(version) })
              acknowledged = version
            }
          })
          const more = (than: number) =>
            eventually(Effect.suspend(() => (answers > than ? Effect.void : Effect.fail(answers))))
          const readers = yield* Effect.forEach(Array.from({ length: 6 }), () => Effect.forkChild(reader))
          const updates = yield* Effect.forkChild(Effect.flip(update))
          yield* more(20)
          yield* identity[end]({ userId: id })
          gone = true
          yield* more(answers + 20)
          done = true
          yield* Effect.forEach(readers, Fiber.join)
          assert.strictEqual((yield* Fiber.join(updates)).reason, "USER_NOT_FOUND")
          if (round % 6 > 0) continue
          // What was left in the cache would be served now.
          yield* database.turn("closed")
          assert.strictEqual((yield* claims(id)).status, 503)
          yield* database.turn("open")
          yield* eventually(
            Effect.flatMap(claims(id), ({ status }) => (status === 404 ? Effect.void : Effect.fail(status))),
          )
        }
      }),
  )

  it.effect("serves known claims without the database, and changes nothing without it", () =>
    Effect.gen(function* () {
      const database = yield* DatabaseGate
      const { identity, id } = yield* register("barbara")
      yield* identity.updateUserProfile({ userId: id, bio: "CLU" })
      yield* cached(id, "CLU")
      yield* database.turn("closed")
      const { status, json } = yield* claims(id)
      assert.deepStrictEqual([status, json.bio], [200, "CLU"])
      const refused = yield* Effect.flip(identity.updateUserProfile({ userId: id, bio: "Argus" }))
      assert.strictEqual(refused._tag, "Unavailable")
      yield* database.turn("open")
      yield* eventually(identity.updateUserProfile({ userId: id, bio: "Argus" }))
      const after = yield* claims(id)
      assert.strictEqual(after.json.bio, "Argus")
    }),
  )

  it.effect.each(["closed", "hanging"] as const)(
    "answers while Redis is %s, but lets nobody change anything",
    (state) =>
      Effect.gen(function* () {
        const redis = yield* RedisGate
        const { identity, id } = yield* register(`redis_${state}`)
        yield* identity.updateUserProfile({ userId: id, bio: "before" })
        yield* cached(id, "before")
        yield* redis.turn(state)
        yield* redisIs("failing")
        const refused = yield* Effect.flip(identity.updateUserProfile({ userId: id, bio: "after" }))
        assert.deepStrictEqual([refused._tag, refused.reason], ["Unavailable", "UNAVAILABLE"])
        const without = yield* claims(id)
        assert.deepStrictEqual([without.status, without.json.bio], [200, "before"])
        const { user } = yield* identity.getUser({ userId: id })
        assert.strictEqual(user?.bio, "before")
        yield* redis.turn("open")
        yield* redisIs("ok")
        yield* identity.updateUserProfile({ userId: id, bio: "after" })
        const again = yield* claims(id)
        assert.strictEqual(again.json.bio, "after")
      }),
  )
})
