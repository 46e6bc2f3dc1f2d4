/** What a server does with three times the calls that it can serve, counted. */
import { expect, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import { ProbeService } from "#gen/authsome/testing/v1/probe_pb.ts"
import { Authentication, Authorization } from "#shared/rpc/Caller.ts"
import * as Channel from "#shared/rpc/client/Channel.ts"
import * as Client from "#shared/rpc/client/Client.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { RateLimits } from "#shared/rpc/RateLimits.ts"
import * as Server from "#shared/rpc/Server.ts"
import { Readiness } from "#shared/runtime/Readiness.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { serverConfig } from "#shared/testing/meshSettings.ts"

const capacity = 10
const rounds = 30

/** Work that can be done for so many calls in each round, as with a pool of connections. */
class Workshop extends Context.Service<
  Workshop,
  { working: number; nextRound: Effect.Effect<void>; readonly work: Effect.Effect<void> }
>()("test/mesh/Workshop") {
  static readonly layer = Layer.sync(Workshop, () => {
    let round = Latch.makeUnsafe()
    const shop = {
      working: 0,
      nextRound: Effect.suspend(() => {
        const ending = round
        round = Latch.makeUnsafe()
        shop.working = 0
        return Latch.open(ending)
      }),
      work: Effect.suspend(() => {
        shop.working += 1
        return Latch.await(round)
      }),
    }
    return shop
  })
}

const nobody = Layer.merge(
  Layer.succeed(Authentication, {}),
  Layer.succeed(Authorization, { authorize: () => Effect.succeed({}) }),
)

const server = Server.layer(
  { config: { ...serverConfig, admission: { running: capacity, waiting: capacity, waitMs: 60_000 } } },
  Handlers.layer(
    ProbeService,
    Effect.map(Workshop, ({ work }) => ({ listItems: () => Effect.as(work, { total: 1 }) })),
    ["echo", "getItem", "deleteItem", "misbehave", "whoAmI", "forbidden", "count"],
  ),
).pipe(Layer.provide([nobody, RateLimits.layerNone, Readiness.layer]), Layer.provideMerge(Workshop.layer))

layer(server, { excludeTestServices: true })("three times the load that a server can bear", (it) => {
  it.effect("costs the excess an early answer, and the rest nothing", () =>
    Effect.gen(function* () {
      const { grpcPort } = yield* Server.Listening
      const shop = yield* Workshop
      const channel = yield* Channel.make({ url: new URL(`http://127.0.0.1:${grpcPort}`), peer: "crowd" })
      const call = Client.make(ProbeService, channel).listItems({})

      let good = 0
      let refused = 0
      const counted = Effect.flatMap(Effect.exit(call), (exit) =>
        Effect.sync(() => {
          if (Exit.isSuccess(exit)) good += 1
          else refused += 1
        }),
      )
      const crowd: Array<Fiber.Fiber<void>> = []
      for (let round = 1; round <= rounds; round++) {
        for (let caller = 0; caller < capacity * 3; caller++) {
          crowd.push(yield* Effect.forkChild(counted, { startImmediately: true }))
        }
        // Everybody beyond those who work and those who wait has an answer before any work is done.
        yield* eventually(
          Effect.filterOrFail(
            Effect.sync(() => good + refused),
            (answered) => answered === round * capacity * 3 - capacity * 2 && shop.working === capacity,
          ),
        )
        if (round === 1) {
          const text = yield* Effect.promise(async () => (await fetch(`http://127.0.0.1:${grpcPort}/metrics`)).text())
          expect(text).toContain(`\nrpc_server_running_calls ${capacity}\n`)
          expect(text).toContain(`\nrpc_server_waiting_calls ${capacity}\n`)
        }
        yield* shop.nextRound
        yield* eventually(
          Effect.filterOrFail(
            Effect.sync(() => good),
            (count) => count === round * capacity,
          ),
        )
      }
      const peak = rounds * capacity
      expect(good).toBeGreaterThanOrEqual(0.9 * peak)
      yield* shop.nextRound
      yield* Fiber.joinAll(crowd)
      expect(good + refused).toBe(peak * 3)
    }).pipe(Effect.scoped),
  )
})
