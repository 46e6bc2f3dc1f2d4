import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf"
import { timestampFromMs } from "@bufbuild/protobuf/wkt"
import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { KeysChangedSchema, ProvisionRequestedSchema } from "#gen/authsome/control/v1/events_pb.ts"
import { ApplicationStatus, ApplicationStatusChangedSchema } from "#gen/authsome/provisioner/v1/events_pb.ts"
import { eventContract } from "#shared/events/EventContract.ts"
import { Nats } from "#shared/nats/Nats.ts"
import { Readiness } from "#shared/runtime/Readiness.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { TestNats } from "#shared/testing/TestServers.ts"
import { lastMessage } from "../testing/lastMessage.ts"
import { applicationMade, call } from "../testing/TestClient.ts"
import * as TestControlPlane from "../testing/TestControlPlane.ts"
import { eventsOf, handledBy } from "../testing/TestRowsStore.ts"

const reports = eventContract(ApplicationStatusChangedSchema)
const epoch = Date.UTC(2026, 0, 1)

/** The queue, as the provisioner and the proxies see it. */
const TheirNats = Layer.unwrap(Effect.map(TestNats, ({ url }) => Nats.layer({ url, name: "test" }))).pipe(
  Layer.provide([Readiness.layer, Logger.layer([])]),
)

const report = (id: string, message: MessageInitShape<typeof ApplicationStatusChangedSchema>) =>
  Effect.gen(function* () {
    const nats = yield* Nats
    yield* eventually(nats.ensureStream(reports))
    const bytes = toBinary(ApplicationStatusChangedSchema, create(ApplicationStatusChangedSchema, message))
    yield* nats.publish(reports.subject, bytes, { id })
  })

/** Waits until the consumer has handled so many messages whose ids begin so. */
const handled = (prefix: string, count: number) =>
  eventually(
    Effect.filterOrFail(
      handledBy("control-plane", prefix),
      (found) => found === count,
      (found) => `${found} of ${count} are handled`,
    ),
  )

const activeAt = (applicationId: string, second: number) => ({
  applicationId,
  generation: 1n,
  status: ApplicationStatus.ACTIVE,
  instanceUrl: "http://instance.test:1234",
  occurredAt: timestampFromMs(epoch + second * 1000),
})

layer(Layer.provideMerge(TheirNats, TestControlPlane.running()), { excludeTestServices: true })(
  "over the queue",
  (it) => {
    it.effect("an application that was answered with 202 is on its way to the provisioner", () =>
      Effect.gen(function* () {
        const { applicationId } = yield* applicationMade
        const stored = yield* eventually(lastMessage("APP_PROVISION", "app.provision"))
        const { desired } = fromBinary(ProvisionRequestedSchema, stored.data)
        expect(desired).toMatchObject({ applicationId, generation: 1n, restartCount: 0 })
        expect(stored.header.get("Nats-Msg-Id")).toMatch(/^evt_/)
      }),
    )

    it.effect("a report makes the application active, and proxies are told to ask again", () =>
      Effect.gen(function* () {
        const { applicationId, token } = yield* applicationMade
        yield* report("evt_first", activeAt(applicationId, 1))
        yield* handled("evt_first", 1)
        const { json } = yield* call("GET", `/applications/${applicationId}`, { token })
        expect([json.status, json.statusReason]).toEqual(["active", undefined])
        const news = yield* eventually(lastMessage("KEYS_CHANGED", "keys.changed"))
        expect(fromBinary(KeysChangedSchema, news.data)).toMatchObject({ applicationId, keyDigests: [], version: 2n })
      }),
    )

    it.effect("a report that comes again under another id, or late, changes nothing", () =>
      Effect.gen(function* () {
        const { applicationId, token } = yield* applicationMade
        yield* report("evt_again_1", activeAt(applicationId, 5))
        yield* report("evt_again_2", activeAt(applicationId, 5))
        yield* report("evt_again_3", {
          ...activeAt(applicationId, 4),
          status: ApplicationStatus.PROVISIONING,
          instanceUrl: "",
        })
        yield* handled("evt_again", 3)
        expect((yield* call("GET", `/applications/${applicationId}`, { token })).json.status).toBe("active")
        const subjects = (yield* eventsOf(applicationId)).map(({ subject }) => subject)
        expect(subjects).toEqual(["app.provision", "keys.changed"])
      }),
    )

    it.effect("a failure arrives with its reason", () =>
      Effect.gen(function* () {
        const { applicationId, token } = yield* applicationMade
        const status = ApplicationStatus.FAILED
        yield* report("evt_failed", {
          ...activeAt(applicationId, 1),
          status,
          reason: "there was no room",
          instanceUrl: "",
        })
        yield* handled("evt_failed", 1)
        const { json } = yield* call("GET", `/applications/${applicationId}`, { token })
        expect(json).toMatchObject({ status: "failed", statusReason: "there was no room" })
      }),
    )

    it.effect("an application that is asked for while the queue is away is not lost", () =>
      Effect.gen(function* () {
        const server = yield* TestNats
        yield* server.stop
        const { applicationId } = yield* applicationMade
        yield* server.start
        yield* eventually(
          Effect.filterOrFail(
            lastMessage("APP_PROVISION", "app.provision"),
            ({ data }) => fromBinary(ProvisionRequestedSchema, data).desired?.applicationId === applicationId,
            () => "not there yet",
          ),
          "20 seconds",
        )
      }),
    )
  },
)
