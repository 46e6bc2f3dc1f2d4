/** A server of the probe contract on free ports, for the tests and benches of the kit. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { ErrorReason } from "#gen/authsome/mesh/v1/error_reason_pb.ts"
import { ItemKind, ProbeService } from "#gen/authsome/testing/v1/probe_pb.ts"
import { bearerToken, peers } from "#shared/rpc/authenticate.ts"
import { type Authenticate, Authentication, Authorization, Call, Caller } from "#shared/rpc/Caller.ts"
import { Deadline } from "#shared/rpc/Deadline.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { classes, isReason, NotFound, PermissionDenied, Unauthenticated } from "#shared/rpc/PublicError.ts"
import { RateLimits } from "#shared/rpc/RateLimits.ts"
import { Recorder } from "#shared/rpc/Recorder.ts"
import * as Server from "#shared/rpc/Server.ts"
import { Readiness } from "#shared/runtime/Readiness.ts"
import { keyed, serverConfig } from "#shared/testing/meshSettings.ts"
import * as RestProbe from "./RestProbe.ts"

export const meshKey = Redacted.make("mesh-key-of-the-probe")
const nextMeshKey = Redacted.make("the-key-that-replaces-it")

/** The metadata that ListItems sends back. */
const echoedHeaders = ["x-note", "x-note-bin"]

/** What the handlers saw. */
export class Seen extends Context.Service<
  Seen,
  { interrupted: number; finished: number; attempts: number; permissions: Array<string>; records: Array<string> }
>()("test/mesh/Seen") {
  static readonly layer = Layer.sync(Seen, () => ({
    interrupted: 0,
    finished: 0,
    attempts: 0,
    permissions: [],
    records: [],
  }))
}

const count = (seen: typeof Seen.Service, what: "interrupted" | "finished") =>
  Effect.sync(() => {
    seen[what] += 1
  })

const handlers = Handlers.layer(
  ProbeService,
  Effect.gen(function* () {
    const seen = yield* Seen
    return {
      echo: ({ item, requestId }) => Effect.succeed({ ...(item === undefined ? {} : { item }), requestId }),
      getItem: ({ itemId }) =>
        itemId === "itm_absent"
          ? Effect.fail(new NotFound({ reason: "NOT_FOUND", message: "there is no such item" }))
          : Effect.succeed(
              itemId === "itm_none"
                ? {}
                : {
                    item: { id: itemId, displayName: "One", kind: ItemKind.ROUND, sizeBytes: 5_000_000_000n },
                  },
            ),
      listItems: Effect.fnUntraced(function* ({ filter }) {
        const { header, setHeader } = yield* Call
        for (const name of echoedHeaders) {
          const value = header(name)
          if (value !== undefined) setHeader(name, value)
        }
        return { ...(filter === undefined ? {} : { filter }), total: 0 }
      }),
      deleteItem: () => Effect.succeed({}),
      misbehave: Effect.fnUntraced(function* ({ how, reason, times }) {
        seen.attempts += 1
        if (times !== 0 && seen.attempts > times) return { attempts: seen.attempts }
        // No protobuf integer, and nothing that JSON has: it cannot be written.
        if (how === "garbled") return JSON.parse('{"attempts":1.5}', (_, value) => (value === 1.5 ? 2n ** 70n : value))
        if (how === "slow") {
          return yield* Effect.onInterrupt(Effect.never, () => count(seen, "interrupted"))
        }
        const name = Object.entries(ErrorReason).find(([, value]) => value === reason)?.[0] ?? ""
        const kind = Object.entries(classes).find(([tag]) => tag === how)?.[1]
        if (kind === undefined || !isReason(name)) return yield* Effect.die(new Error("a secret inside"))
        return yield* Effect.fail(
          new kind({ reason: name, message: "as asked: 50 % ünïcode", metadata: { slug: "acme" }, retryAfterMs: 1500 }),
        )
      }),
      whoAmI: Effect.fnUntraced(function* () {
        const caller = yield* Caller
        const { requestId } = yield* Call
        const deadline = yield* Deadline
        const now = yield* Clock.currentTimeMillis
        return { peer: caller._tag === "Peer" ? caller.name : "", requestId, leftMs: BigInt((deadline ?? now) - now) }
      }),
      forbidden: () => Effect.succeed({}),
      count: ({ to, fail }) => {
        const ticks = Stream.tick("5 millis")
        const ended = fail ? Stream.fail(new NotFound({ reason: "NOT_FOUND", message: "no more" })) : Stream.empty
        return (to === 0 ? ticks : Stream.take(ticks, to)).pipe(
          Stream.scan(
            () => 0,
            (number) => number + 1,
          ),
          Stream.drop(1),
          Stream.map((number) => ({ number })),
          Stream.concat(ended),
          Stream.ensuring(count(seen, "finished")),
        )
      },
    }
  }),
)

const byBearerToken: Authenticate = (call) => {
  const token = bearerToken(call.header("authorization"))
  return token === undefined
    ? Effect.fail(new Unauthenticated({ reason: "UNAUTHENTICATED", message: "a bearer token is needed" }))
    : Effect.succeed({ _tag: "User", userId: Redacted.value(token), sessionId: "ses" })
}

const authentication = Layer.effect(
  Authentication,
  Effect.map(peers(keyed(meshKey, nextMeshKey)), (internal) => ({ INTERNAL: internal, USER: byBearerToken })),
)

const authorization = Layer.effect(
  Authorization,
  Effect.map(Seen, (seen) => ({
    authorize: (caller, { permission, field, resource }) => {
      seen.permissions.push(`${permission} ${field}=${resource}`)
      return caller._tag === "User" && caller.userId === "reader" && permission !== "items.read"
        ? Effect.fail(new PermissionDenied({ reason: "PERMISSION_DENIED", message: "readers only read" }))
        : Effect.succeed({})
    },
  })),
)

/** There is no database here: it is noted that a record was asked for, and of what. */
const recorder = Layer.effect(
  Recorder,
  Effect.map(Seen, (seen) => ({
    record: ({ policy: { audit } }, steps) =>
      Effect.tap(Effect.flatten(steps), () => Effect.sync(() => void seen.records.push(audit))),
  })),
)

/** The probe with further options of its server; its log goes to `log`, nowhere where unset. */
export const layerWith = (options: Omit<Server.ServerOptions, "config">, log: Layer.Layer<never> = Logger.layer([])) =>
  Server.layer(
    { config: serverConfig, routeHeader: "x-probe-route", ...options },
    Layer.merge(handlers, RestProbe.layer),
  ).pipe(
    Layer.provide([authentication, authorization, recorder, RateLimits.layerNone, Readiness.layer, log]),
    Layer.provideMerge(Seen.layer),
  )

/** The probe, listening; provides its ports and what its handlers saw. */
export const layer = layerWith({})
