/**
 * Routes in Redis, which all proxies share: what one has asked the others need not ask. Best effort: without Redis it is
 * empty. A route is sealed for its place, so that whoever writes to Redis can neither read nor make one; and beside the
 * routes stands, for each application that changed, the version that a route must have to be believed.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { Sealer } from "#shared/crypto/Sealer.ts"
import { Redis, type RedisUnavailable } from "#shared/redis/Redis.ts"
import { Route } from "./Route.ts"

/** A route, and when the control plane gave it. Epoch milliseconds. */
const SharedRoute = Schema.Struct({ route: Route, checkedAt: Schema.Finite })
export type SharedRoute = typeof SharedRoute.Type

const Text = Schema.fromJsonString(SharedRoute)
const decode = Schema.decodeUnknownEffect(Text)
const encode = Schema.encodeEffect(Text)

export interface Change {
  readonly applicationId: string
  /** In hex; empty: all keys of the application. */
  readonly digests: ReadonlyArray<string>
  /** What is older is out of date. */
  readonly version: number
}

export class SharedRoutes extends Context.Service<
  SharedRoutes,
  {
    /** The route under the key's digest (hex), however old; none where Redis has none, is away, or cannot be trusted. */
    readonly read: (applicationId: string, digest: string) => Effect.Effect<Option.Option<SharedRoute>>
    readonly write: (digest: string, shared: SharedRoute) => Effect.Effect<void>
    /** Makes older routes unbelievable at once; until Redis has been told, nothing of the application is read from it. */
    readonly forget: (change: Change) => Effect.Effect<void>
    /** Removes the routes of one application, or of all where undefined. */
    readonly purge: (applicationId: string | undefined) => Effect.Effect<void, RedisUnavailable>
  }
>()("proxy/routes/SharedRoutes") {
  /** Routes stay for `maxStaleness`. */
  static readonly layer = (options: { readonly maxStaleness: Duration.Duration }) =>
    Layer.effect(SharedRoutes, make(options.maxStaleness))
}

const routeKey = (applicationId: string, digest: string) => `route:${applicationId}:${digest}`
const versionKey = (applicationId: string) => `route-version:${applicationId}`

/** Changes that wait for Redis to come back. More than these, and Redis is not read until all its routes are too old. */
const maxOwed = 50_000
const maxDigests = 1000

/** Sets the least version, never backwards: two proxies may take up two changes in either order. */
const raiseVersion = `if tonumber(redis.call('GET', KEYS[1]) or '-1') < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end`

const make = Effect.fnUntraced(function* (maxStaleness: Duration.Duration) {
  const redis = yield* Redis
  const sealer = yield* Sealer
  const scope = yield* Effect.scope
  const owed = new Map<string, Change>()
  let distrustedUntil = 0
  // Longer than any route written before the change can live.
  const versionMillis = Math.ceil(Duration.toMillis(maxStaleness) * 2)

  const pay = ({ applicationId, digests, version }: Change) =>
    redis.use(async (client) => {
      await client.eval(raiseVersion, 1, versionKey(applicationId), version, versionMillis)
      if (digests.length > 0) await client.unlink(...digests.map((digest) => routeKey(applicationId, digest)))
    })

  /** Written down before Redis is told, so that nothing older is read from it meanwhile. */
  const owe = (change: Change, now: number): void => {
    const before = owed.get(change.applicationId)
    if (before === undefined && owed.size >= maxOwed) {
      distrustedUntil = now + Duration.toMillis(maxStaleness)
      return
    }
    owed.set(change.applicationId, {
      applicationId: change.applicationId,
      // The version alone is enough; the named routes are removed only to save space.
      digests: [...(before?.digests ?? []), ...change.digests].slice(-maxDigests),
      version: Math.max(change.version, before?.version ?? 0),
    })
  }

  const payOff = (change: Change) =>
    Effect.tap(pay(change), () =>
      Effect.sync(() => {
        if (owed.get(change.applicationId) === change) owed.delete(change.applicationId)
      }),
    )

  // While Redis is away the first one fails, and the others wait with it.
  yield* Effect.suspend(() => Effect.forEach([...owed.values()], payOff)).pipe(
    Effect.ignore,
    Effect.repeat(Schedule.spaced("500 millis")),
    Effect.forkScoped,
  )

  const read = Effect.fnUntraced(function* (applicationId: string, digest: string) {
    const now = yield* Clock.currentTimeMillis
    if (owed.has(applicationId) || now < distrustedUntil) return Option.none<SharedRoute>()
    const place = routeKey(applicationId, digest)
    const [sealed, least] = yield* redis.use((client) => client.mget(place, versionKey(applicationId)))
    if (typeof sealed !== "string") return Option.none<SharedRoute>()
    const shared = yield* Effect.flatMap(sealer.open(sealed, place), (text) => decode(Redacted.value(text)))
    return shared.route.applicationId === applicationId && shared.route.version >= Number(least ?? 0)
      ? Option.some(shared)
      : Option.none<SharedRoute>()
  })

  return SharedRoutes.of({
    // What does not open or decode was written by another version, under another key, or by somebody else.
    read: (applicationId, digest) =>
      Effect.catch(read(applicationId, digest), () => Effect.succeed(Option.none<SharedRoute>())),
    write: (digest, shared) => {
      const place = routeKey(shared.route.applicationId, digest)
      return encode(shared).pipe(
        Effect.flatMap((text) => sealer.seal(Redacted.make(text), place)),
        Effect.flatMap((sealed) => redis.set(place, sealed, { expiresIn: maxStaleness })),
        Effect.ignore,
      )
    },
    forget: (change) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        owe(change, now)
        const debt = owed.get(change.applicationId)
        // Whoever announces the next change must not wait for a Redis that does not answer.
        return debt === undefined ? Effect.void : Effect.asVoid(Effect.forkIn(Effect.ignore(payOff(debt)), scope))
      }),
    purge: (applicationId) =>
      redis.use(async (client) => {
        const stream = client.scanStream({ match: routeKey(applicationId ?? "*", "*"), count: 1000 })
        for await (const keys of stream) if (keys.length > 0) await client.unlink(...keys)
      }),
  })
})
