import { fromBinary } from "@bufbuild/protobuf"
import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ProvisionRequestedSchema } from "#gen/authsome/control/v1/events_pb.ts"
import { Nats } from "#shared/nats/Nats.ts"
import { Listening } from "#shared/rpc/Server.ts"
import { Readiness } from "#shared/runtime/Readiness.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { TestDatabase } from "#shared/testing/TestDatabase.ts"
import { TestNats } from "#shared/testing/TestServers.ts"
import * as ControlPlaneProcess from "./testing/ControlPlaneProcess.ts"
import { lastMessage } from "./testing/lastMessage.ts"
import { applicationMade } from "./testing/TestClient.ts"

const surroundings = Layer.mergeAll(TestDatabase.migrated("control"), TestNats.layer)

layer(surroundings, { excludeTestServices: true })("the control plane process", (it) => {
  it.effect("keeps an application that it answered with 202, when it is killed right after and the queue is away", () =>
    Effect.gen(function* () {
      const server = yield* TestNats
      yield* server.stop
      const first = yield* ControlPlaneProcess.start({})
      yield* first.ready
      const { applicationId } = yield* Effect.provideService(applicationMade, Listening, first.ports)
      yield* first.process.signal("SIGKILL")
      yield* first.process.ended
      yield* server.start
      const second = yield* ControlPlaneProcess.start({})
      yield* second.ready
      yield* Effect.gen(function* () {
        const stored = yield* eventually(lastMessage("APP_PROVISION", "app.provision"))
        expect(fromBinary(ProvisionRequestedSchema, stored.data).desired).toMatchObject({ applicationId })
      }).pipe(Effect.provide(Layer.provide(Nats.layer({ url: server.url, name: "test" }), Readiness.layer)))
    }),
  )

  it.effect("stops in order when it is asked to", () =>
    Effect.gen(function* () {
      const { process, ready } = yield* ControlPlaneProcess.start({})
      yield* ready
      yield* process.signal("SIGTERM")
      expect(yield* process.ended).toEqual({ code: 0, signal: null })
    }),
  )

  it.effect.each([
    ["DATABASE_URL", undefined, "is missing"],
    ["NATS_URL", "http://nats", "is malformed"],
    ["INTERNAL_GRPC_API_KEY", "short", "is malformed: expected one secret, or several separated by commas"],
    ["TOKEN_SIGNING_KEYS", "nonsense", "is malformed"],
    ["SEALING_KEYS", undefined, "is missing"],
    ["API_BASE_URL", "proxy", "is malformed: expected a URL"],
    ["REGIONS", "Europe", "is malformed: expected names such as us-east-1"],
    ["DASHBOARD_ORIGINS", "https://dash.example/", "is malformed: expected origins such as https://dashboard.example"],
    ["DASHBOARD_ORIGINS", "https://dash.example,*", "is malformed: expected origins such as https://dashboard.example"],
  ] as const)("does not start when %s is %s, and says so in one sentence", ([name, value, what]) =>
    Effect.gen(function* () {
      const { process, output } = yield* ControlPlaneProcess.start({ [name]: value })
      expect((yield* process.ended).code).toBe(1)
      const text = yield* output
      expect(text.trim().split("\n")).toHaveLength(1)
      expect(text).toContain(`control-plane cannot start: ${name} ${what}`)
    }),
  )
})
