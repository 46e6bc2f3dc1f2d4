/** What a server that is told to stop does with the calls that it is serving. */
import { expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import { describe } from "vitest"
import { ProbeService } from "#gen/authsome/testing/v1/probe_pb.ts"
import { Authentication, Authorization } from "#shared/rpc/Caller.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { rpcName } from "#shared/rpc/Policy.ts"
import { RateLimits } from "#shared/rpc/RateLimits.ts"
import * as Server from "#shared/rpc/Server.ts"
import { Readiness } from "#shared/runtime/Readiness.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { serverConfig } from "#shared/testing/meshSettings.ts"
import { wires } from "./casesWire.ts"

const nobody = Layer.mergeAll(
  Layer.succeed(Authentication, {}),
  Layer.succeed(Authorization, { authorize: () => Effect.succeed({}) }),
  RateLimits.layerNone,
  Readiness.layer,
  Logger.layer([]),
)

/** A server whose ListItems answers when it is let. */
const gated = (straight: boolean) => {
  const gate = { waiting: 0, latch: Latch.makeUnsafe() }
  const listItems = () =>
    Effect.suspend(() => {
      gate.waiting += 1
      return Effect.as(Latch.await(gate.latch), { total: 1 })
    })
  const others = ["echo", "getItem", "deleteItem", "misbehave", "whoAmI", "forbidden", "count"] as const
  const server = Server.layer(
    { config: serverConfig, straight },
    Handlers.layer(ProbeService, Effect.succeed({ listItems }), others),
  ).pipe(Layer.provide(nobody))
  return { gate, server }
}

for (const straight of [true, false]) {
  describe(straight ? "the straight way" : "the general adapter", () => {
    it.live.each(wires)("$name: a call in the middle of which the server is stopped is finished", (wire) =>
      Effect.gen(function* () {
        const { gate, server } = gated(straight)
        const life = yield* Scope.make()
        const port = Context.get(yield* Layer.buildWithScope(server, life), Server.Listening)[wire.face]
        const headers = { "content-type": wire.contentType }
        const method = ProbeService.method.listItems
        const call = yield* Effect.forkChild(
          wire.exchange(port, { path: `/${rpcName(method)}`, body: wire.encode(method, {}), headers }),
        )
        yield* eventually(
          Effect.filterOrFail(
            Effect.sync(() => gate.waiting),
            (waiting) => waiting === 1,
          ),
        )
        const stopped = yield* Effect.forkChild(Scope.close(life, Exit.void))
        // Nobody else gets in.
        yield* eventually(
          Effect.filterOrFail(
            wire.exchange(port, { path: "/nothing", body: Buffer.alloc(0), headers }),
            ({ status }) => status === 0,
          ),
        )
        yield* Latch.open(gate.latch)
        const raw = yield* Fiber.join(call)
        expect(wire.decode(method, raw)).toMatchObject({ code: "ok", json: '{"total":1}' })
        expect(raw.goneAway).toBe(true)
        yield* Fiber.join(stopped)
      }),
    )
  })
}
