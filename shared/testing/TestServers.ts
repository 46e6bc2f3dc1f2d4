/** Servers that one test has to itself, because it stops them, or because what they hold cannot be kept apart otherwise. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as NatsServer from "../servers/NatsServer.ts"
import { freePort } from "../servers/Ports.ts"
import * as RedisServer from "../servers/RedisServer.ts"
import type { RunningServer, ServerOptions } from "../servers/RunningServer.ts"
import type { ServerFailed } from "../servers/ServerFailed.ts"
import { ephemeral, temporaryFolder } from "./Backing.ts"

/** A server with a switch. Its address stays, and what it wrote to its folder. */
export interface SwitchedServer {
  readonly url: Redacted.Redacted<string>
  /** Starts it again; nothing happens where it runs. */
  readonly start: Effect.Effect<void, ServerFailed>
  /** Stops it in order; nothing happens where it does not run. */
  readonly stop: Effect.Effect<void>
  /** Ends it as a crash would. */
  readonly kill: Effect.Effect<void>
}

/** NATS with JetStream: streams and subjects are those of the whole server, so tests with streams take one each. */
export class TestNats extends Context.Service<TestNats, SwitchedServer>()("shared/testing/TestNats") {
  static readonly layer = Layer.effect(
    TestNats,
    Effect.suspend(() => switched("nats", NatsServer.start)),
  ).pipe(Layer.provide(NodeFileSystem.layer))
}

/** A Redis to switch off; where that is not the point, `TestRedis` is cheaper. */
export class TestRedisServer extends Context.Service<TestRedisServer, SwitchedServer>()(
  "shared/testing/TestRedisServer",
) {
  static readonly layer = Layer.effect(
    TestRedisServer,
    Effect.suspend(() => switched("redis", RedisServer.start)),
  ).pipe(Layer.provide(NodeFileSystem.layer))
}

type Start = (options: ServerOptions) => Effect.Effect<RunningServer, ServerFailed, Scope.Scope | FileSystem.FileSystem>

const switched = Effect.fnUntraced(function* (name: string, start: Start) {
  const files = yield* FileSystem.FileSystem
  const options = ephemeral(yield* temporaryFolder, name, yield* freePort)
  const lifetime = yield* Scope.Scope
  let on: { readonly scope: Scope.Closeable; readonly server: RunningServer } | undefined
  const starting = Effect.gen(function* () {
    const scope = yield* Scope.fork(lifetime)
    on = { scope, server: yield* start(options).pipe(Scope.provide(scope)) }
    return on.server
  }).pipe(Effect.provideService(FileSystem.FileSystem, files))
  const stop = Effect.suspend(() => {
    const was = on
    on = undefined
    return was === undefined ? Effect.void : Scope.close(was.scope, Exit.void)
  })
  const { url } = yield* starting
  const server: SwitchedServer = {
    url,
    start: Effect.suspend(() => (on === undefined ? Effect.asVoid(starting) : Effect.void)),
    stop,
    kill: Effect.suspend(() =>
      on === undefined
        ? Effect.void
        : on.server.process.signal("SIGKILL").pipe(Effect.andThen(on.server.process.ended), Effect.andThen(stop)),
    ),
  }
  return server
})
