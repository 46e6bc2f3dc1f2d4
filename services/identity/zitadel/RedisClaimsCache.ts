/**
 * The cache of claims in Redis. Per user: a guard, what may be served, and what was known last.
 *
 * Who is about to read the database for the cache puts a lease of their own into the guard, and what they read is kept
 * only while that very lease is there. Who is about to change the account puts a block in its place and takes away what is
 * kept, before the commit; and takes both away once more after it, before the change is acknowledged. So what was read
 * before a change is never kept after it, however slow its reader, and whichever of the two processes dies.
 *
 * Redis itself must not bring back what it was told to forget: it must neither evict (`noeviction`, its default) nor come
 * back from an old snapshot. Should it, a wrong answer lives as long as `freshFor`.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { newUuid } from "#shared/ids/Id.ts"
import { Redis } from "#shared/redis/Redis.ts"
import { TransactionStore } from "../database/TransactionStore.ts"
import type { UserId } from "../users/User.ts"
import { CopiesUnreachable, UserCopies } from "../users/UserCopies.ts"
import { ClaimsCache } from "./ClaimsCache.ts"
import { type ClaimSet, parseClaims } from "./claims.ts"
import type { ReadClaims } from "./LiveClaims.ts"
import { blockScript, keepScript, settleScript } from "./redisScripts.ts"

export interface RedisClaimsCacheOptions {
  /**
   * How long claims are served without a look at the database. None: never; they are only remembered. With it, an account
   * is not changed while Redis is away: nobody could say who still has the old claims.
   */
  readonly freshFor: Option.Option<Duration.Duration>
}

/** Longer than anybody waits for a read, so that a reader who died does not keep the next one from keeping theirs. */
const leaseMillis = 5000
/** Longer than a transaction may live. */
const blockMillis = 60_000
const rememberedMillis = Duration.toMillis("24 hours")

/** All in one slot of a cluster, so that one script sees them all. The number is that of the form of what is kept. */
const keysOf = (id: UserId) => {
  const name = `claims:1:{${id}}`
  return { guard: `${name}:guard`, fresh: `${name}:fresh`, last: `${name}:last` }
}

/** The cache, and its part of the promise that changes keep. */
export const layer = (
  options: RedisClaimsCacheOptions,
): Layer.Layer<ClaimsCache | UserCopies, never, Redis | TransactionStore> => Layer.effectContext(make(options))

const make = Effect.fnUntraced(function* ({ freshFor }: RedisClaimsCacheOptions) {
  const redis = yield* Redis
  const { afterCommit } = yield* TransactionStore
  const scope = yield* Effect.scope
  const serves = Option.isSome(freshFor)
  const freshMillis = Option.match(freshFor, { onNone: () => 0, onSome: Duration.toMillis })

  const script = (text: string, id: UserId, ...values: ReadonlyArray<string | number>) => {
    const { guard, fresh, last } = keysOf(id)
    return redis.use((client) => client.eval(text, 3, guard, fresh, last, ...values))
  }

  const kept = (key: string): Effect.Effect<Option.Option<ClaimSet>> =>
    redis.get(key).pipe(
      Effect.map(Option.flatMap(parseClaims)),
      Effect.orElseSucceed(() => Option.none()),
    )

  const lease = Effect.fnUntraced(function* (id: UserId) {
    const token = `lease:${yield* newUuid}`
    const got = yield* redis
      .set(keysOf(id).guard, token, { expiresIn: leaseMillis, onlyIfAbsent: true })
      .pipe(Effect.orElseSucceed(() => false))
    return got ? Option.some(token) : Option.none()
  })

  /** Nobody waits for it: what is not kept is read again. */
  const keep = (id: UserId, token: string, claims: ClaimSet) =>
    Effect.forkIn(
      Effect.ignore(script(keepScript, id, token, JSON.stringify(claims), freshMillis, rememberedMillis)),
      scope,
    )

  /** Somebody deleted them without a word to us. */
  const gone = (id: UserId) => Effect.ignore(redis.del(keysOf(id).fresh, keysOf(id).last))

  const remembering = Effect.fnUntraced(function* (id: UserId, read: ReadClaims) {
    const known = serves ? yield* kept(keysOf(id).fresh) : Option.none()
    if (Option.isSome(known)) return known.value
    const token = yield* lease(id)
    const claims = yield* Effect.tapErrorTag(read, "UserNotFound", () => gone(id))
    if (Option.isSome(token)) yield* keep(id, token.value, claims)
    return claims
  })

  const forget = Effect.fnUntraced(function* (id: UserId) {
    const token = `block:${yield* newUuid}`
    const blocked = Effect.asVoid(script(blockScript, id, token, blockMillis))
    // What is only remembered is shown as such, and may be a little older where Redis was away when it changed.
    yield* serves
      ? Effect.mapError(blocked, ({ message }) => new CopiesUnreachable({ reason: message }))
      : Effect.ignore(blocked)
    yield* afterCommit(Effect.ignore(script(settleScript, id, token)))
  })

  return Context.make(ClaimsCache, {
    following: (id: UserId, read: ReadClaims) => (serves ? remembering(id, read) : read),
    remembering,
    last: (id: UserId) => kept(keysOf(id).last),
  }).pipe(Context.add(UserCopies, { forget }))
})
