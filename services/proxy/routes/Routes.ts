/**
 * What keys open, from the nearest that knows: memory, Redis, the control plane. A verdict is acted upon for `ttl`, then
 * checked again while it is used, and after that waited for; if nobody answers, a key that was good goes on being good for
 * `maxStaleness`. Changes that the control plane announces end what they concern at once.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { sha256 } from "#shared/crypto/digest.ts"
import type { RedisUnavailable } from "#shared/redis/Redis.ts"
import { Counts } from "../stats/Counts.ts"
import { type Freshness, freshness, prolonged } from "./freshness.ts"
import { Identities, type Identity } from "./Identities.ts"
import { Resolver } from "./Resolver.ts"
import { type Route, type Verdict, VerdictUnavailable, versionOf } from "./Route.ts"
import { makeRouteMemory, type Remembered } from "./RouteMemory.ts"
import { type Change, SharedRoutes } from "./SharedRoutes.ts"

/** A key that opens its application, and the identity under which the instance gets to know it. */
export interface Known {
  readonly route: Route
  readonly identity: Identity
}

export type Finding =
  | { readonly _tag: "Valid"; readonly known: Known }
  | { readonly _tag: "UnknownKey" }
  | { readonly _tag: "UnknownApplication" }

export interface RoutesOptions {
  /** How long a verdict is acted upon without asking again. */
  readonly ttl: Duration.Duration
  /** How long a good key goes on while nobody can be asked. */
  readonly maxStaleness: Duration.Duration
}

export class Routes extends Context.Service<
  Routes,
  {
    /** What memory may act upon at once for the key with this digest (hex). `now` in epoch milliseconds. */
    readonly known: (digest: string, now: number) => Known | undefined
    /** What is known of a key that was made for this application, by asking where necessary. */
    readonly find: (applicationId: string, digest: string) => Effect.Effect<Finding, VerdictUnavailable>
    /** Whether the application exists, for a key that was made for another one. */
    readonly exists: (applicationId: string) => Effect.Effect<boolean, VerdictUnavailable>
    /** Takes up a change that the control plane announced. */
    readonly change: (change: Change) => Effect.Effect<void>
    /** Forgets one application, or all where undefined, here and in Redis; how many verdicts were remembered here. */
    readonly purge: (applicationId: string | undefined) => Effect.Effect<number, RedisUnavailable>
    /** Verdicts in memory. */
    readonly size: () => number
  }
>()("proxy/routes/Routes") {
  static readonly layer = (options: RoutesOptions) => Layer.effect(Routes, make(options))
}

const maxRoutes = 50_000
const maxRefusals = 20_000
/** Keys that are being asked about at one time; beyond these a request is told to come again. */
const maxFlights = 500
/** A refusal is believed for this long at most: a key that is made meanwhile announces itself anyway. */
const refusalMillis = 10_000
/** While nobody answers, the control plane is asked about one key once in this time. */
const pauseMillis = 1000
/** How often an answer that is older than an announced change is asked for again. */
const outdatedTries = 5

/** The digest of a key that nobody has: its verdict tells whether the application exists. */
const nobodysDigest = sha256("").toString("hex")

interface KnownEntry extends Known, Remembered {
  fresh: Freshness
  identity: Identity
  /** When the next attempt to check may begin. Epoch milliseconds. */
  nextCheckAt: number
  /** Whether the last attempt found nobody. */
  unconfirmed: boolean
}

interface Refused extends Remembered {
  readonly finding: Exclude<Finding, { readonly _tag: "Valid" }>
  readonly until: number
}

/** A question under way, and the version that its answer must have. */
interface Flight {
  readonly applicationId: string
  readonly digest: string
  least: number
  readonly answer: Deferred.Deferred<Finding, VerdictUnavailable>
}

const make = Effect.fnUntraced(function* (options: RoutesOptions) {
  const resolver = yield* Resolver
  const shared = yield* SharedRoutes
  const identities = yield* Identities
  const counts = yield* Counts
  const scope = yield* Effect.scope
  const context = yield* Effect.context()
  const spans = { ttl: Duration.toMillis(options.ttl), maxStaleness: Duration.toMillis(options.maxStaleness) }

  const routes = makeRouteMemory<KnownEntry>(maxRoutes)
  const refusals = makeRouteMemory<Refused>(maxRefusals)
  const flights = new Map<string, Flight>()
  let answers = true

  const refusalKey = (applicationId: string, digest: string) => `${applicationId} ${digest}`

  /** The control plane's verdict, not older than what it announced meanwhile. */
  const ask = (flight: Flight, tries = outdatedTries): Effect.Effect<Verdict, VerdictUnavailable> =>
    Effect.flatMap(resolver.resolve(flight.applicationId, flight.digest), (verdict) => {
      if (versionOf(verdict) >= flight.least) return Effect.succeed(verdict)
      if (tries > 1) return Effect.delay(ask(flight, tries - 1), "20 millis")
      // An application that is gone has no version any more.
      return verdict._tag === "UnknownApplication"
        ? Effect.succeed(verdict)
        : Effect.fail(new VerdictUnavailable({ reason: "the control plane's answer is out of date" }))
    })

  const remember = Effect.fnUntraced(function* (flight: Flight, route: Route, checkedAt: number) {
    const identity = yield* identities.issue(route)
    const fresh = freshness(checkedAt, identity.expiresAt, spans)
    const entry: KnownEntry = {
      applicationId: route.applicationId,
      version: route.version,
      route,
      identity,
      fresh,
      nextCheckAt: 0,
      unconfirmed: false,
    }
    // A change may have been announced while the identity was signed.
    if (route.version < flight.least) return Option.none<KnownEntry>()
    routes.set(flight.digest, entry)
    return Option.some(entry)
  })

  const refuse = (flight: Flight, finding: Refused["finding"], version: number, now: number): Finding => {
    const { applicationId, digest } = flight
    routes.delete(digest)
    const key = finding._tag === "UnknownKey" ? refusalKey(applicationId, digest) : applicationId
    refusals.set(key, { applicationId, version, finding, until: now + refusalMillis })
    return finding
  }

  /** The verdict by the control plane, kept here and for the others. */
  const resolve: (flight: Flight) => Effect.Effect<Finding, VerdictUnavailable> = Effect.fnUntraced(function* (flight) {
    const askedAt = yield* Clock.currentTimeMillis
    const verdict = yield* ask(flight)
    counts.verdict("control_plane")
    if (verdict._tag !== "Valid") return refuse(flight, { _tag: verdict._tag }, verdict.version, askedAt)
    const { route } = verdict
    const entry = yield* remember(flight, route, askedAt)
    if (Option.isNone(entry)) return yield* resolve(flight)
    yield* Effect.forkIn(shared.write(flight.digest, { route, checkedAt: askedAt }), scope)
    return { _tag: "Valid", known: entry.value }
  })

  /** What goes on being true while nobody answers: the remembered route, or else the one that Redis has. */
  const withoutAnswer = Effect.fnUntraced(function* (
    flight: Flight,
    fromRedis: Option.Option<{ readonly route: Route; readonly checkedAt: number }>,
    error: VerdictUnavailable,
  ) {
    const now = yield* Clock.currentTimeMillis
    const remembered = routes.get(flight.digest)
    const entry =
      remembered !== undefined && remembered.version >= flight.least
        ? Option.some(remembered)
        : Option.isSome(fromRedis) && fromRedis.value.route.version >= flight.least
          ? yield* remember(flight, fromRedis.value.route, fromRedis.value.checkedAt)
          : Option.none<KnownEntry>()
    if (Option.isNone(entry) || now >= entry.value.fresh.deadAt) {
      routes.delete(flight.digest)
      return yield* error
    }
    const known = entry.value
    const identity = yield* identities.issue(known.route)
    if (known.version < flight.least) return yield* error
    known.identity = identity
    known.fresh = prolonged(known.fresh, now, identity.expiresAt)
    known.nextCheckAt = now + pauseMillis
    known.unconfirmed = true
    counts.verdict("stale")
    return { _tag: "Valid" as const, known }
  })

  const look = Effect.fnUntraced(function* (flight: Flight) {
    const now = yield* Clock.currentTimeMillis
    const fromRedis = yield* shared.read(flight.applicationId, flight.digest)
    if (Option.isSome(fromRedis)) {
      const { route } = fromRedis.value
      // Another proxy's clock may be ahead of ours.
      const checkedAt = Math.min(fromRedis.value.checkedAt, now)
      const before = routes.get(flight.digest)
      const isNewer = checkedAt > (before?.fresh.checkedAt ?? 0) && route.version >= (before?.version ?? flight.least)
      if (isNewer && now - checkedAt < spans.ttl && route.version >= flight.least) {
        const entry = yield* remember(flight, route, checkedAt)
        if (Option.isSome(entry)) {
          counts.verdict("redis")
          return { _tag: "Valid" as const, known: entry.value }
        }
      }
    }
    return yield* resolve(flight).pipe(
      Effect.tap(() => (answers ? Effect.void : Effect.suspend(answersAgain))),
      Effect.catch((error) =>
        Effect.andThen(
          answers ? Effect.suspend(() => answersNoMore(error)) : Effect.void,
          withoutAnswer(flight, fromRedis, error),
        ),
      ),
    )
  })

  const answersAgain = () => {
    answers = true
    return Effect.logInfo("the control plane answers again")
  }
  const answersNoMore = ({ reason }: VerdictUnavailable) => {
    answers = false
    return Effect.logWarning("the control plane gives no verdicts; known keys go on for a while", { reason })
  }

  /** Asks about a key once, however many wait for the answer; who stops waiting does not stop the others. */
  const inquire = (applicationId: string, digest: string): Effect.Effect<Finding, VerdictUnavailable> =>
    Effect.suspend(() => {
      const name = refusalKey(applicationId, digest)
      const running = flights.get(name)
      if (running !== undefined) return Deferred.await(running.answer)
      if (flights.size >= maxFlights) return Effect.fail(new VerdictUnavailable({ reason: "too many are asked for" }))
      const flight: Flight = { applicationId, digest, least: 0, answer: Deferred.makeUnsafe() }
      flights.set(name, flight)
      const answered = Effect.onExit(look(flight), (exit) =>
        Effect.sync(() => {
          flights.delete(name)
          Deferred.doneUnsafe(flight.answer, exit)
        }),
      )
      return Effect.andThen(Effect.forkIn(Effect.exit(answered), scope), Deferred.await(flight.answer))
    })

  const check = (entry: KnownEntry, digest: string, now: number): void => {
    entry.nextCheckAt = now + pauseMillis
    Effect.runForkWith(context)(Effect.exit(inquire(entry.applicationId, digest)))
  }

  const find = (applicationId: string, digest: string) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      for (const key of [applicationId, refusalKey(applicationId, digest)]) {
        const refused = refusals.get(key)
        if (refused === undefined) continue
        if (now < refused.until) {
          counts.verdict("memory")
          return Effect.succeed<Finding>(refused.finding)
        }
        refusals.delete(key)
      }
      return inquire(applicationId, digest)
    })

  return Routes.of({
    known: (digest, now) => {
      const entry = routes.get(digest)
      if (entry === undefined || now >= entry.fresh.usableUntil) return undefined
      if (now >= entry.fresh.freshUntil && now >= entry.nextCheckAt) check(entry, digest, now)
      counts.verdict(entry.unconfirmed ? "stale" : "memory")
      return entry
    },
    find,
    exists: (applicationId) =>
      Effect.map(find(applicationId, nobodysDigest), ({ _tag }) => _tag !== "UnknownApplication"),
    change: (change) =>
      Effect.suspend(() => {
        const { applicationId, digests, version } = change
        for (const flight of flights.values()) {
          if (flight.applicationId === applicationId) flight.least = Math.max(flight.least, version)
        }
        routes.forget(applicationId, digests, version)
        const names = digests.map((digest) => refusalKey(applicationId, digest))
        refusals.forget(applicationId, names.length === 0 ? [] : [applicationId, ...names], version)
        counts.changeReceived()
        return shared.forget(change)
      }),
    purge: (applicationId) =>
      Effect.suspend(() => {
        const forgotten = [routes, refusals].map((memory) =>
          applicationId === undefined ? memory.clear() : memory.forget(applicationId, [], Number.POSITIVE_INFINITY),
        )
        return Effect.as(
          shared.purge(applicationId),
          forgotten.reduce((sum, count) => sum + count, 0),
        )
      }),
    size: () => routes.size + refusals.size,
  })
})
