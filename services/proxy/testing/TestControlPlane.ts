/** A control plane that knows what a test tells it: RoutingService served by the kit, with a switch. */
import { create, toBinary } from "@bufbuild/protobuf"
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { ApplicationStatus } from "#gen/authsome/control/v1/application_pb.ts"
import { KeysChangedSchema } from "#gen/authsome/control/v1/events_pb.ts"
import { KeyType } from "#gen/authsome/control/v1/key_pb.ts"
import { type Route, RouteSchema, RoutingService, Verdict } from "#gen/authsome/control/v1/routing_pb.ts"
import { sha256 } from "#shared/crypto/digest.ts"
import { makeToken } from "#shared/crypto/Token.ts"
import { eventContract } from "#shared/events/EventContract.ts"
import { newId, newUuid, shortId } from "#shared/ids/Id.ts"
import { Nats } from "#shared/nats/Nats.ts"
import { layerPeers } from "#shared/rpc/authenticate.ts"
import { Authorization } from "#shared/rpc/Caller.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import * as Server from "#shared/rpc/Server.ts"
import { Readiness } from "#shared/runtime/Readiness.ts"
import { freePort } from "#shared/servers/Ports.ts"
import { keyed, serverConfig } from "#shared/testing/meshSettings.ts"

export const meshKey = Redacted.make("mesh-key-of-the-proxy-tests")

/** A key of an application, as a customer has it. */
export interface TestKey {
  readonly text: string
  readonly digest: Buffer
  readonly route: Route
}

type RouteChanges = Partial<Omit<Route, "$typeName" | "$unknown">>

export class TestControlPlane extends Context.Service<
  TestControlPlane,
  {
    readonly url: URL
    /** Makes an application that is served at `instanceUrl`, with one secret key; `changes` replace what a route says. */
    readonly application: (instanceUrl: string, changes?: RouteChanges) => Effect.Effect<TestKey>
    /** Makes another key of the application. */
    readonly key: (of: TestKey, kind: "pk" | "sk", changes?: RouteChanges) => Effect.Effect<TestKey>
    /** Changes what the key's route says, and makes a revoked key good again, without telling anybody. */
    readonly change: (key: TestKey, changes: RouteChanges) => void
    /** Revokes the key, without telling anybody. */
    readonly revoke: (key: TestKey) => void
    /** Announces that the keys, or all of the application where there are none, have changed. */
    readonly announce: (applicationId: string, keys?: ReadonlyArray<TestKey>) => Effect.Effect<void, never, Nats>
    /** How often it was asked about the key. */
    readonly asked: (key: TestKey) => number
    /** How often it was asked at all. */
    readonly askedInAll: () => number
    /** The latest reported use of each key, by its id. Epoch milliseconds. */
    readonly uses: ReadonlyMap<string, number>
    /** Until the effect that is returned runs, questions wait for their answers. */
    readonly hold: Effect.Effect<Effect.Effect<void>>
    readonly start: Effect.Effect<void>
    readonly stop: Effect.Effect<void>
  }
>()("proxy/testing/TestControlPlane") {
  static readonly layer = Layer.effect(
    TestControlPlane,
    Effect.suspend(() => make()),
  )
}

const make = Effect.fnUntraced(function* () {
  const port = yield* Effect.orDie(freePort)
  const routes = new Map<string, Route>()
  const versions = new Map<string, bigint>()
  const questions = new Map<string, number>()
  const uses = new Map<string, number>()
  const open = yield* Deferred.make<void>()
  yield* Deferred.succeed(open, undefined)
  let gate = open

  const handlers = Handlers.layer(
    RoutingService,
    Effect.succeed({
      resolveKey: Effect.fnUntraced(function* ({ applicationId, keyDigest }) {
        const digest = Buffer.from(keyDigest).toString("hex")
        questions.set(digest, (questions.get(digest) ?? 0) + 1)
        const version = versions.get(applicationId)
        const route = routes.get(digest)
        yield* Deferred.await(gate)
        if (version === undefined) return { verdict: Verdict.UNKNOWN_APPLICATION }
        return route?.applicationId === applicationId
          ? { verdict: Verdict.VALID, route: create(RouteSchema, { ...route, version }), version }
          : { verdict: Verdict.UNKNOWN_KEY, version }
      }),
      reportKeyUse: (request) =>
        Effect.sync(() => {
          for (const { keyId, lastUsedAt } of request.uses) {
            uses.set(keyId, lastUsedAt === undefined ? 0 : timestampMs(lastUsedAt))
          }
          return {}
        }),
    }),
  )
  const server = Server.layer(
    { config: { ...serverConfig, grpcPort: port, shutdownGrace: Duration.millis(100) } },
    handlers,
  ).pipe(Layer.provide([layerPeers(keyed(meshKey)), Authorization.layerNobody, Readiness.layer]))

  const lifetime = yield* Scope.Scope
  let running: Scope.Closeable | undefined
  const start = Effect.suspend(() => {
    if (running !== undefined) return Effect.void
    return Effect.gen(function* () {
      running = yield* Scope.fork(lifetime)
      yield* Layer.buildWithScope(server, running)
    }).pipe(Effect.orDie)
  })
  const stop = Effect.suspend(() => {
    const was = running
    running = undefined
    return was === undefined ? Effect.void : Scope.close(was, Exit.void)
  })
  yield* start

  const bump = (applicationId: string) => versions.set(applicationId, (versions.get(applicationId) ?? 0n) + 1n)
  const key = Effect.fnUntraced(function* (route: Route, kind: "pk" | "sk", changes: RouteChanges) {
    const text = Redacted.value(yield* makeToken(`${kind}_live_${route.applicationId.slice(4)}_`))
    const made = create(RouteSchema, {
      ...route,
      keyId: yield* newId("key"),
      keyType: kind === "pk" ? KeyType.PUBLIC : KeyType.SECRET,
      ...changes,
    })
    const digest = sha256(text)
    routes.set(digest.toString("hex"), made)
    bump(route.applicationId)
    return { text, digest, route: made }
  })

  return TestControlPlane.of({
    url: new URL(`http://127.0.0.1:${port}`),
    application: Effect.fnUntraced(function* (instanceUrl, changes = {}) {
      const route = create(RouteSchema, {
        applicationId: yield* shortId("app", 10),
        workspaceId: yield* newId("ws"),
        status: ApplicationStatus.ACTIVE,
        region: "local",
        instanceUrl,
        scopes: ["users:read", "users:write"],
        rateLimitPerSecond: 10_000,
      })
      return yield* key(route, "sk", changes)
    }),
    key: (of, kind, changes = {}) => key(of.route, kind, changes),
    change: ({ digest, route }, changes) => {
      const name = digest.toString("hex")
      routes.set(name, create(RouteSchema, { ...(routes.get(name) ?? route), ...changes }))
      bump(route.applicationId)
    },
    revoke: ({ digest, route }) => {
      routes.delete(digest.toString("hex"))
      bump(route.applicationId)
    },
    announce: Effect.fnUntraced(function* (applicationId, keys = []) {
      const nats = yield* Nats
      const stream = eventContract(KeysChangedSchema)
      const occurredAt = timestampFromMs(0)
      const version = versions.get(applicationId) ?? 1n
      const message = { applicationId, keyDigests: keys.map(({ digest }) => digest), version, occurredAt }
      yield* nats.ensureStream(stream).pipe(
        Effect.andThen(
          nats.publish(stream.subject, toBinary(KeysChangedSchema, create(KeysChangedSchema, message)), {
            id: yield* newUuid,
          }),
        ),
        Effect.orDie,
      )
    }),
    asked: ({ digest }) => questions.get(digest.toString("hex")) ?? 0,
    askedInAll: () => [...questions.values()].reduce((sum, count) => sum + count, 0),
    uses,
    hold: Effect.sync(() => {
      const closed = Deferred.makeUnsafe<void>()
      gate = closed
      return Effect.asVoid(
        Effect.suspend(() => {
          gate = open
          return Deferred.succeed(closed, undefined)
        }),
      )
    }),
    start,
    stop,
  })
})
