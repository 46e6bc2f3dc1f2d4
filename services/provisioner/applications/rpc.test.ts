import { assert, layer } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as SqlClient from "effect/sql/SqlClient"
import {
  ProvisioningDirection,
  ProvisioningService,
  ProvisioningState,
  StepName,
  StepState,
} from "#gen/authsome/provisioner/v1/provisioning_pb.ts"
import { layerPeers } from "#shared/rpc/authenticate.ts"
import { Authorization } from "#shared/rpc/Caller.ts"
import * as Channel from "#shared/rpc/client/Channel.ts"
import * as Client from "#shared/rpc/client/Client.ts"
import * as Server from "#shared/rpc/Server.ts"
import { Readiness } from "#shared/runtime/Readiness.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { keyed, serverConfig } from "#shared/testing/meshSettings.ts"
import { TestDatabase } from "#shared/testing/TestDatabase.ts"
import { newApplicationId } from "../fixtures/LocalPlace.ts"
import { desired } from "../fixtures/Workshop.ts"
import { ClaimStore } from "./ClaimStore.ts"
import { Provisionings } from "./Provisionings.ts"
import * as Rpc from "./rpc.ts"

const meshKey = Redacted.make("the-key-of-the-mesh")

const served = Server.layer({ config: serverConfig }, Rpc.layer).pipe(
  Layer.provide([layerPeers(keyed(meshKey)), Authorization.layerNobody, Readiness.layer]),
  Layer.provideMerge(Layer.mergeAll(Provisionings.layer, ClaimStore.layer)),
  Layer.provideMerge(TestDatabase.sql("provisioner")),
)

const connected = (key = meshKey) =>
  Effect.gen(function* () {
    const { grpcPort } = yield* Server.Listening
    const channel = yield* Channel.make({
      url: new URL(`http://127.0.0.1:${grpcPort}`),
      peer: "control-plane",
      internalKey: key,
    })
    return Client.make(ProvisioningService, channel)
  })

/** Works on the application as a reconciler does. */
const claimed = Effect.gen(function* () {
  const claims = yield* ClaimStore
  const claim = yield* Effect.flatMap(claims.claim("the test", Duration.minutes(1)), Effect.fromOption)
  return { claims, claim }
})

layer(served, { excludeTestServices: true })("the provisioner's rpcs", (it) => {
  it.effect("are for programs of the mesh only", () =>
    Effect.gen(function* () {
      const client = yield* connected(Redacted.make("some-other-key"))
      const refused = yield* Effect.flip(client.getProvisioning({ applicationId: yield* newApplicationId }))
      assert.strictEqual(refused._tag, "Unauthenticated")
    }),
  )

  it.effect("know nothing of an application that nobody asked for", () =>
    Effect.gen(function* () {
      const client = yield* connected()
      for (const applicationId of [yield* newApplicationId, "app_short"]) {
        const asked = yield* Effect.flip(client.getProvisioning({ applicationId }))
        const retried = yield* Effect.flip(client.retryProvisioning({ applicationId }))
        for (const error of [asked, retried]) assert.deepInclude(error, { _tag: "NotFound", reason: "NOT_FOUND" })
      }
    }),
  )

  it.effect("show where an application stands, and watchers every change up to the end", () =>
    Effect.gen(function* () {
      const client = yield* connected()
      const { desire } = yield* Provisionings
      const applicationId = yield* newApplicationId
      const pictures = yield* client
        .watchProvisioning({ applicationId, minGeneration: 3n })
        .pipe(Stream.runCollect, Effect.forkScoped({ startImmediately: true }))
      const seen: Array<ProvisioningState> = []
      const second = yield* client.watchProvisioning({ applicationId }).pipe(
        Stream.runForEach(({ provisioning }) =>
          Effect.sync(() => seen.push(provisioning?.state ?? ProvisioningState.UNSPECIFIED)),
        ),
        Effect.forkScoped({ startImmediately: true }),
      )
      const saw = (state: ProvisioningState) =>
        eventually(Effect.suspend(() => (seen.at(-1) === state ? Effect.void : Effect.fail(seen))))
      yield* desire(desired(applicationId, "running", 3n))
      yield* saw(ProvisioningState.PENDING)
      const { provisioning: pending } = yield* client.getProvisioning({ applicationId })
      assert.deepInclude(pending, {
        applicationId,
        direction: ProvisioningDirection.PROVISION,
        state: ProvisioningState.PENDING,
        generation: 3n,
        observedGeneration: 0n,
        attempt: 0,
        maxAttempts: 3,
        instanceUrl: "",
      })
      assert.deepStrictEqual(
        pending?.steps.map(({ name, state }) => [name, state]),
        [1, 2, 3, 4, 5, 6, 7].map((name) => [name, StepState.PENDING]),
      )
      const { claims, claim } = yield* claimed
      yield* claims.begin(claim, ["database", "redis"], ["namespace"])
      yield* saw(ProvisioningState.RUNNING)
      const { provisioning: running } = yield* client.getProvisioning({ applicationId })
      assert.deepStrictEqual(
        running?.steps
          .filter(({ state }) => state !== StepState.PENDING)
          .map(({ name, state, attempt }) => [name, state, attempt]),
        [
          [StepName.NAMESPACE, StepState.DONE, 0],
          [StepName.DATABASE, StepState.RUNNING, 1],
          [StepName.REDIS, StepState.RUNNING, 1],
        ],
      )
      yield* claims.fail(claim, [{ step: "redis", error: "it would not start" }], { retryAfter: Duration.hours(1) })
      yield* saw(ProvisioningState.WAITING)
      const { provisioning: waiting } = yield* client.getProvisioning({ applicationId })
      assert.strictEqual(waiting?.attempt, 1)
      assert.isDefined(waiting?.nextAttemptAt)
      assert.strictEqual(waiting?.steps.find(({ name }) => name === StepName.REDIS)?.error, "it would not start")

      yield* desire(desired(applicationId, "running", 4n))
      const next = yield* claimed
      yield* next.claims.finish(next.claim, Option.none())
      yield* Fiber.join(second)
      const last = (yield* Fiber.join(pictures)).at(-1)?.provisioning
      assert.deepInclude(last, { state: ProvisioningState.DONE, generation: 4n, observedGeneration: 4n })
      assert.isDefined(last?.endedAt)
      const again = yield* Stream.runCollect(client.watchProvisioning({ applicationId }))
      assert.deepStrictEqual(
        again.map(({ provisioning }) => provisioning),
        [last],
      )
    }),
  )

  it.effect("give a failed application new attempts, and leave any other as it is", () =>
    Effect.gen(function* () {
      const client = yield* connected()
      const { desire } = yield* Provisionings
      const applicationId = yield* newApplicationId
      yield* desire(desired(applicationId))
      const { claims, claim } = yield* claimed
      yield* claims.begin(claim, ["instance"], [])
      yield* claims.fail(claim, [{ step: "instance", error: "no" }], { reason: "Its instance did not become ready." })
      const { provisioning: failed } = yield* client.getProvisioning({ applicationId })
      assert.deepInclude(failed, { state: ProvisioningState.FAILED, reason: "Its instance did not become ready." })
      const { provisioning: renewed } = yield* client.retryProvisioning({ applicationId })
      assert.deepInclude(renewed, { state: ProvisioningState.PENDING, attempt: 0 })
      assert.isUndefined(renewed?.reason)
      const { provisioning: same } = yield* client.retryProvisioning({ applicationId })
      assert.deepStrictEqual(same, renewed)
    }),
  )

  it.effect("list applications page by page, the last changed first", () =>
    Effect.gen(function* () {
      const client = yield* connected()
      const sql = yield* SqlClient.SqlClient
      yield* sql`DELETE FROM applications`
      const { desire } = yield* Provisionings
      const ids = yield* Effect.all([newApplicationId, newApplicationId, newApplicationId])
      yield* Effect.forEach(ids, (id, index) => desire(desired(id, index === 1 ? "absent" : "running")))
      const first = yield* client.listProvisionings({ pageSize: 2 })
      const second = yield* client.listProvisionings({ pageSize: 2, pageToken: first.nextPageToken })
      const listed = [...first.provisionings, ...second.provisionings].map(({ applicationId }) => applicationId)
      assert.deepStrictEqual(listed, [...ids].reverse())
      assert.strictEqual(second.nextPageToken, "")
      const leaving = yield* client.listProvisionings({ direction: ProvisioningDirection.DEPROVISION })
      assert.deepStrictEqual(
        leaving.provisionings.map(({ applicationId }) => applicationId),
        [ids[1]],
      )
      const done = yield* client.listProvisionings({ states: [ProvisioningState.DONE] })
      assert.isEmpty(done.provisionings)
      const elsewhere = yield* client.listProvisionings({ workspaceId: `ws_${"b".repeat(26)}` })
      assert.isEmpty(elsewhere.provisionings)
      for (const pageToken of ["nonsense", "!", Buffer.from("1.app_x").toString("base64url")]) {
        const refused = yield* Effect.flip(client.listProvisionings({ pageToken }))
        assert.strictEqual(refused._tag, "InvalidRequest")
      }
    }),
  )
})
