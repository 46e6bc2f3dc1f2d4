/** What the cache promises, with readers and changes in every order. */
import { assert, layer } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { newUuid } from "#shared/ids/Id.ts"
import { Redis } from "#shared/redis/Redis.ts"
import { Readiness } from "#shared/runtime/Readiness.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { TestDatabase } from "#shared/testing/TestDatabase.ts"
import { TestRedis } from "#shared/testing/TestRedis.ts"
import { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { TransactionStore } from "../database/TransactionStore.ts"
import { UserId, UserNotFound } from "../users/User.ts"
import { UserCopies } from "../users/UserCopies.ts"
import { ClaimsCache } from "./ClaimsCache.ts"
import type { ClaimSet } from "./claims.ts"
import * as RedisClaimsCache from "./RedisClaimsCache.ts"

const connected = Layer.effectDiscard(Effect.flatMap(Redis, ({ use }) => eventually(use((client) => client.ping()))))

const redis = Layer.unwrap(Effect.map(TestRedis, ({ url }) => Redis.layer({ url }))).pipe(
  Layer.provide([TestRedis.layer, Readiness.layer]),
)

const cache = (freshFor: Option.Option<Duration.Duration>) =>
  RedisClaimsCache.layer({ freshFor }).pipe(
    Layer.provideMerge(Layer.merge(TransactionStore.layer, Layer.provideMerge(connected, redis))),
    Layer.provide(TestDatabase.sql("identity")),
  )

const someone = Effect.map(newUuid, (uuid) => UserId.make(uuid))
const old: ClaimSet = { name: "old", picture: null, email_verified: true, created_at: 1 }
const recent: ClaimSet = { ...old, name: "recent" }
const unread = Effect.die("the cache was expected to know")
const away = new DatabaseFailed({ away: true, cause: new Error("away") })

/** Waits until `claims` are what is remembered. */
const known = (id: UserId, claims: Option.Option<ClaimSet>) =>
  eventually(
    Effect.gen(function* () {
      const { last } = yield* ClaimsCache
      const found = yield* last(id)
      if (JSON.stringify(found) !== JSON.stringify(claims)) return yield* Effect.fail(found)
    }),
  )

/** A change of the account, up to its commit and through it. */
const change = Effect.fnUntraced(function* (id: UserId, within: Effect.Effect<void> = Effect.void) {
  const { atomically } = yield* TransactionStore
  const { forget } = yield* UserCopies
  yield* atomically(Effect.andThen(forget(id), within))
})

/** A reader that has begun, and gives what it read when it is told to. */
const slowReader = Effect.fnUntraced(function* (id: UserId, claims: ClaimSet) {
  const { remembering } = yield* ClaimsCache
  const began = yield* Deferred.make<void>()
  const go = yield* Deferred.make<void>()
  const read = Deferred.succeed(began, undefined).pipe(Effect.andThen(Deferred.await(go)), Effect.as(claims))
  const fiber = yield* Effect.forkChild(remembering(id, read))
  yield* Deferred.await(began)
  return Effect.andThen(Deferred.succeed(go, undefined), Fiber.join(fiber))
})

/** Nothing that was read before may be known or served: neither now nor when all that is under way has ended. */
const nothingKept = Effect.fnUntraced(function* (id: UserId) {
  const { following, remembering, last } = yield* ClaimsCache
  assert.deepStrictEqual(yield* following(id, Effect.succeed(recent)), recent)
  assert.deepStrictEqual(yield* remembering(id, Effect.succeed(recent)), recent)
  assert.notDeepEqual(yield* last(id), Option.some(old))
})

layer(cache(Option.some(Duration.minutes(1))), { excludeTestServices: true })("a cache that follows", (it) => {
  it.effect("serves what was read, until it changes", () =>
    Effect.gen(function* () {
      const { following } = yield* ClaimsCache
      const id = yield* someone
      assert.deepStrictEqual(yield* following(id, Effect.succeed(old)), old)
      yield* known(id, Option.some(old))
      assert.deepStrictEqual(yield* following(id, unread), old)
      yield* change(id)
      assert.deepStrictEqual(yield* following(id, Effect.succeed(recent)), recent)
      yield* known(id, Option.some(recent))
      assert.deepStrictEqual(yield* following(id, unread), recent)
    }),
  )

  it.effect("keeps nothing that was read before a change and comes after it", () =>
    Effect.gen(function* () {
      const id = yield* someone
      const finish = yield* slowReader(id, old)
      yield* change(id)
      assert.deepStrictEqual(yield* finish, old)
      yield* nothingKept(id)
    }),
  )

  it.effect("keeps nothing that was read while a change was not committed", () =>
    Effect.gen(function* () {
      const { following, last } = yield* ClaimsCache
      const id = yield* someone
      const finish = yield* Effect.suspend(() => slowReader(id, old))
      const meanwhile = Effect.gen(function* () {
        assert.deepStrictEqual(yield* finish, old)
        assert.deepStrictEqual(yield* Effect.orDie(following(id, Effect.succeed(old))), old)
        assert.deepStrictEqual(yield* last(id), Option.none())
      })
      yield* change(id, Effect.orDie(meanwhile))
      yield* nothingKept(id)
    }),
  )

  it.effect("keeps nothing though Redis forgot the block before the commit", () =>
    Effect.gen(function* () {
      const { use } = yield* Redis
      const { following } = yield* ClaimsCache
      const id = yield* someone
      const lost = Effect.gen(function* () {
        yield* use((client) => client.flushdb())
        yield* following(id, Effect.succeed(old))
        yield* known(id, Option.some(old))
      })
      yield* change(id, Effect.provide(Effect.orDie(lost), yield* Effect.context<ClaimsCache>()))
      yield* nothingKept(id)
    }),
  )

  it.effect("leaves the block of the next change where it is", () =>
    Effect.gen(function* () {
      const redis = yield* Redis
      const context = yield* Effect.context<TransactionStore | UserCopies>()
      const id = yield* someone
      const blocked = Effect.map(redis.get(`claims:1:{${id}}:guard`), (guard) =>
        assert.match(
          Option.getOrElse(guard, () => "nothing"),
          /^block:/,
        ),
      )
      const first = yield* Deferred.make<void>()
      const second = yield* Deferred.make<void>()
      const one = yield* Effect.forkChild(
        change(id, Effect.andThen(Deferred.succeed(first, undefined), Deferred.await(second))),
      )
      yield* Deferred.await(first)
      const ended = Effect.andThen(Deferred.succeed(second, undefined), Fiber.join(one))
      yield* change(id, Effect.orDie(Effect.andThen(ended, blocked))).pipe(Effect.provide(context))
      yield* nothingKept(id)
    }),
  )

  it.effect("serves no one who is deleted", () =>
    Effect.gen(function* () {
      const { following, remembering } = yield* ClaimsCache
      const id = yield* someone
      yield* following(id, Effect.succeed(old))
      yield* known(id, Option.some(old))
      yield* change(id)
      const error = yield* Effect.flip(remembering(id, Effect.fail(new UserNotFound())))
      assert.strictEqual(error._tag, "UserNotFound")
      yield* known(id, Option.none())
    }),
  )

  it.effect("passes on what the database says, and keeps no failure", () =>
    Effect.gen(function* () {
      const { following } = yield* ClaimsCache
      const id = yield* someone
      assert.strictEqual(yield* Effect.flip(following(id, Effect.fail(away))), away)
      assert.deepStrictEqual(yield* following(id, Effect.succeed(recent)), recent)
    }),
  )

  it.effect("takes what it cannot read for nothing", () =>
    Effect.gen(function* () {
      const { use } = yield* Redis
      const { following, last } = yield* ClaimsCache
      for (const text of ["{", "[]", '{"name":{}}']) {
        const id = yield* someone
        yield* use((client) => client.mset(`claims:1:{${id}}:fresh`, text, `claims:1:{${id}}:last`, text))
        assert.deepStrictEqual(yield* last(id), Option.none())
        assert.deepStrictEqual(yield* following(id, Effect.succeed(recent)), recent)
      }
    }),
  )
})

layer(cache(Option.none()), { excludeTestServices: true })("a cache that only remembers", (it) => {
  it.effect("is never in front of the database", () =>
    Effect.gen(function* () {
      const { following, remembering, last } = yield* ClaimsCache
      const id = yield* someone
      yield* following(id, Effect.succeed(old))
      assert.deepStrictEqual(yield* last(id), Option.none())
      yield* remembering(id, Effect.succeed(old))
      yield* known(id, Option.some(old))
      assert.deepStrictEqual(yield* remembering(id, Effect.succeed(recent)), recent)
      yield* known(id, Option.some(recent))
      assert.deepStrictEqual(yield* following(id, Effect.succeed(old)), old)
    }),
  )

  it.effect("forgets what changes", () =>
    Effect.gen(function* () {
      const { remembering } = yield* ClaimsCache
      const id = yield* someone
      yield* remembering(id, Effect.succeed(old))
      yield* known(id, Option.some(old))
      const finish = yield* slowReader(id, old)
      yield* change(id)
      yield* finish
      yield* nothingKept(id)
    }),
  )
})
