/** Which calls are recorded, and that none goes unrecorded whose contract wants it. */
import { expect, layer } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { describe, it } from "vitest"
import { ProbeService } from "#gen/authsome/testing/v1/probe_pb.ts"
import { Authentication, Authorization } from "#shared/rpc/Caller.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { RateLimits } from "#shared/rpc/RateLimits.ts"
import * as Server from "#shared/rpc/Server.ts"
import { Readiness } from "#shared/runtime/Readiness.ts"
import { serverConfig } from "#shared/testing/meshSettings.ts"
import * as Probe from "./Probe.ts"

const call = Effect.fnUntraced(function* (method: string, path: string, body: object | null = null) {
  const { httpPort } = yield* Server.Listening
  const headers = { authorization: "Bearer owner", "idempotency-key": "once", "content-type": "application/json" }
  const response = yield* Effect.promise(() =>
    fetch(`http://127.0.0.1:${httpPort}/probe/v1${path}`, {
      method,
      headers,
      body: body === null ? null : JSON.stringify(body),
    }),
  )
  return response.status
})

layer(Probe.layer, { excludeTestServices: true })("a call", (it) => {
  it.effect("is recorded where its contract names an audit action, once it is admitted, and no other one is", () =>
    Effect.gen(function* () {
      const { records } = yield* Probe.Seen
      expect(yield* call("GET", "/items/itm_1")).toBe(200)
      expect(yield* call("POST", "/echo", { item: { displayName: "x" } })).toBe(201)
      expect(records).toEqual([])
      expect(yield* call("DELETE", "/items/itm_1")).toBe(204)
      expect(records).toEqual(["item.deleted"])
      expect(yield* call("DELETE", `/items/${"x".repeat(500)}`)).toBe(400)
      expect(records).toEqual(["item.deleted"])
    }),
  )
})

const others = ["echo", "getItem", "listItems", "misbehave", "whoAmI", "forbidden", "count"] as const

const nobody = Layer.mergeAll(
  Layer.succeed(Authentication, {}),
  Layer.succeed(Authorization, { authorize: () => Effect.succeed({}) }),
  RateLimits.layerNone,
  Readiness.layer,
  Logger.layer([]),
)

const started = <E>(handlers: Layer.Layer<never, E, Handlers.Implementations>) =>
  Effect.runPromiseExit(
    Effect.scoped(Layer.build(Layer.provide(Server.layer({ config: serverConfig }, handlers), nobody))),
  )

describe("a process without a recorder", () => {
  it("does not start with an rpc that must be recorded, and says so in one sentence", async () => {
    const exit = await started(
      Handlers.layer(ProbeService, Effect.succeed({ deleteItem: () => Effect.succeed({}) }), others),
    )
    expect(Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : "").toBe(
      "Error: authsome.testing.v1.ProbeService/DeleteItem cannot be served: its contract wants a record, and this process keeps none",
    )
  })

  it("starts while the turn of that rpc has not come", async () => {
    const exit = await started(Handlers.layer(ProbeService, Effect.succeed({}), [...others, "deleteItem"]))
    expect(Exit.isSuccess(exit)).toBe(true)
  })
})
