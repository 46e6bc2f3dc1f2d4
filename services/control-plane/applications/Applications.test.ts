import { fromBinary } from "@bufbuild/protobuf"
import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { InstanceState } from "#gen/authsome/control/v1/desired_state_pb.ts"
import { ProvisionRequestedSchema } from "#gen/authsome/control/v1/events_pb.ts"
import { sha256 } from "#shared/crypto/digest.ts"
import { parseToken } from "#shared/crypto/Token.ts"
import { change, eventsOf, tablesWith } from "../testing/TestRowsStore.ts"
import * as TestUseCases from "../testing/TestUseCases.ts"
import { Applications } from "./Applications.ts"

const firstPage = { page: 1, pageSize: 20 }
const anything = { environment: Option.none(), status: Option.none() }

layer(TestUseCases.layer, { excludeTestServices: true })("a new application", (it) => {
  it.effect("is provisioning, has a name for everything that is made for it, and two keys of its own", () =>
    Effect.gen(function* () {
      const { application, publicKey, secretKey, id } = yield* TestUseCases.someApplication
      expect(id).toMatch(/^app_[a-z2-7]{16}$/)
      expect(application).toMatchObject({ status: "provisioning", slug: "production", region: "local", generation: 1n })
      const prefixes = [publicKey, secretKey].map((key) => Option.getOrThrow(parseToken(Redacted.value(key))).prefix)
      expect(prefixes).toEqual([`pk_live_${id.slice(4)}_`, `sk_live_${id.slice(4)}_`])
      expect(application.publicKey).toBe(Redacted.value(publicKey))
    }),
  )

  it.effect("is written with its event", () =>
    Effect.gen(function* () {
      const { id, workspaceId } = yield* TestUseCases.someApplication
      const [event, ...others] = yield* eventsOf(id)
      expect([event?.subject, others]).toEqual(["app.provision", []])
      const { desired } = fromBinary(ProvisionRequestedSchema, event?.payload ?? new Uint8Array())
      expect(desired).toMatchObject({
        applicationId: id,
        workspaceId,
        generation: 1n,
        name: "Production",
        instanceState: InstanceState.RUNNING,
        resources: { cpuLimit: "1000m", memoryLimit: "2Gi", storageLimit: "5Gi", replicas: 2 },
        maxReplicas: 10,
      })
    }),
  )

  it.effect("is not written where its event cannot be", () =>
    Effect.gen(function* () {
      const applications = yield* Applications
      const { workspaceId } = yield* TestUseCases.someWorkspace()
      yield* change((sql) => sql`ALTER TABLE outbox RENAME TO outbox_away`)
      const failed = yield* Effect.exit(applications.create(TestUseCases.draftOf(workspaceId)))
      yield* change((sql) => sql`ALTER TABLE outbox_away RENAME TO outbox`)
      expect(Exit.isFailure(failed)).toBe(true)
      expect(yield* applications.list(workspaceId, anything, firstPage)).toMatchObject({ total: 0 })
    }),
  )

  it.effect("leaves its secret key nowhere in the database, and its digest in one place", () =>
    Effect.gen(function* () {
      const { secretKey } = yield* TestUseCases.someApplication
      const text = Redacted.value(secretKey)
      expect(yield* tablesWith(text)).toEqual([])
      expect(yield* tablesWith(text.slice(-40))).toEqual([])
      expect(yield* tablesWith(sha256(text).toString("hex"))).toEqual(["api_keys"])
    }),
  )

  it.effect("is refused where the plan has no room for it, and where two come for the last place", () =>
    Effect.gen(function* () {
      const applications = yield* Applications
      const { workspaceId } = yield* TestUseCases.someWorkspace()
      const four = [1, 2, 3, 4].map(() => Effect.result(applications.create(TestUseCases.draftOf(workspaceId))))
      const outcomes = yield* Effect.all(four, { concurrency: "unbounded" })
      expect(outcomes.map(({ _tag }) => _tag).sort()).toEqual(["Failure", "Success", "Success", "Success"])
      const refused = yield* Effect.flip(applications.create(TestUseCases.draftOf(workspaceId)))
      expect(refused).toMatchObject({ _tag: "ApplicationLimitReached", plan: "free", limit: 3 })
    }),
  )

  it.effect("has a slug that is taken in its workspace, and free in every other", () =>
    Effect.gen(function* () {
      const applications = yield* Applications
      const { workspaceId } = yield* TestUseCases.someWorkspace()
      const { workspaceId: other } = yield* TestUseCases.someWorkspace()
      const named = (id: typeof workspaceId) => ({ ...TestUseCases.draftOf(id), slug: Option.some("web") })
      yield* applications.create(named(workspaceId))
      expect(yield* Effect.flip(applications.create(named(workspaceId)))).toMatchObject({ _tag: "SlugTaken" })
      expect((yield* applications.create(named(other))).application.slug).toBe("web")
    }),
  )

  it.effect("runs in a region that there is", () =>
    Effect.gen(function* () {
      const applications = yield* Applications
      const { workspaceId } = yield* TestUseCases.someWorkspace()
      const draft = TestUseCases.draftOf(workspaceId)
      const nowhere = applications.create({ ...draft, region: Option.some("atlantis-1") })
      expect(yield* Effect.flip(nowhere)).toMatchObject({ _tag: "RegionUnknown" })
      const there = yield* applications.create({ ...draft, region: Option.some("eu-central-1") })
      expect(there.application.region).toBe("eu-central-1")
    }),
  )

  it.effect("is made in a workspace that is active, and in no other", () =>
    Effect.gen(function* () {
      const applications = yield* Applications
      const { workspaceId } = yield* TestUseCases.someWorkspace()
      yield* change((sql) => sql`UPDATE workspaces SET status = 'suspended' WHERE id = ${workspaceId}`)
      const refused = yield* Effect.flip(applications.create(TestUseCases.draftOf(workspaceId)))
      expect(refused).toMatchObject({ _tag: "WorkspaceNotActive" })
    }),
  )

  it.effect("is found by environment and status, newest first", () =>
    Effect.gen(function* () {
      const applications = yield* Applications
      const { workspaceId } = yield* TestUseCases.someWorkspace()
      const make = (environment: "production" | "staging") =>
        Effect.map(
          applications.create({ ...TestUseCases.draftOf(workspaceId), environment }),
          ({ application }) => application.id,
        )
      const one = yield* make("production")
      const two = yield* make("staging")
      const three = yield* make("production")
      yield* change((sql) => sql`UPDATE applications SET status = 'deleted' WHERE id = ${one}`)
      const found = (filter: Parameters<typeof applications.list>[1]) =>
        Effect.map(applications.list(workspaceId, filter, firstPage), ({ data }) => data.map(({ id }) => id))
      expect(yield* found(anything)).toEqual([three, two])
      expect(yield* found({ ...anything, environment: Option.some("production") })).toEqual([three])
      expect(yield* found({ ...anything, status: Option.some("deleted") })).toEqual([one])
    }),
  )
})
