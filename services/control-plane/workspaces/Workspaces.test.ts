import { fromBinary } from "@bufbuild/protobuf"
import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { KeysChangedSchema, ProvisionRequestedSchema } from "#gen/authsome/control/v1/events_pb.ts"
import { Plan as WirePlan } from "#gen/authsome/control/v1/workspace_pb.ts"
import { Applications } from "../applications/Applications.ts"
import { change, eventsOf } from "../testing/TestRowsStore.ts"
import * as TestUseCases from "../testing/TestUseCases.ts"
import { type WorkspaceChange, Workspaces } from "./Workspaces.ts"

const draft = { name: "Acme", slug: Option.none<string>(), plan: "free" as const, metadata: {} }
const nothing: WorkspaceChange = { name: Option.none(), plan: Option.none(), metadata: Option.none() }
const firstPage = { page: 1, pageSize: 20 }

layer(TestUseCases.layer, { excludeTestServices: true })("a workspace", (it) => {
  it.effect("belongs to who made it", () =>
    Effect.gen(function* () {
      const workspaces = yield* Workspaces
      const { id } = yield* TestUseCases.someUser
      const workspace = yield* workspaces.create(id, { ...draft, metadata: { team: "a" } })
      expect(workspace).toMatchObject({ ownerId: id, role: "owner", status: "active", metadata: { team: "a" } })
      expect((yield* workspaces.list(id, firstPage)).data).toEqual([workspace])
    }),
  )

  it.effect("looks absent to everybody else", () =>
    Effect.gen(function* () {
      const workspaces = yield* Workspaces
      const { workspaceId } = yield* TestUseCases.someWorkspace()
      const { id: stranger } = yield* TestUseCases.someUser
      expect(yield* Effect.flip(workspaces.get(workspaceId, stranger))).toMatchObject({ _tag: "WorkspaceNotFound" })
      expect(yield* workspaces.list(stranger, firstPage)).toMatchObject({ total: 0, data: [] })
    }),
  )

  it.effect("has a slug that nobody else has: the one asked for, or one made from the name", () =>
    Effect.gen(function* () {
      const workspaces = yield* Workspaces
      const { id } = yield* TestUseCases.someUser
      const first = yield* workspaces.create(id, { ...draft, name: "Élan Vital" })
      const second = yield* workspaces.create(id, { ...draft, name: "Élan Vital" })
      expect(first.slug).toBe("elan-vital")
      expect(second.slug).toMatch(/^elan-vital-[a-z2-7]{6}$/)
      const taken = workspaces.create(id, { ...draft, slug: Option.some("elan-vital") })
      expect(yield* Effect.flip(taken)).toMatchObject({ _tag: "SlugTaken", slug: "elan-vital" })
    }),
  )

  it.effect("is listed page by page, newest first", () =>
    Effect.gen(function* () {
      const workspaces = yield* Workspaces
      const { id } = yield* TestUseCases.someUser
      const made = yield* Effect.forEach(["a", "b", "c"], (name) => workspaces.create(id, { ...draft, name }))
      const { data, total } = yield* workspaces.list(id, { page: 2, pageSize: 2 })
      expect([total, data.map((each) => each.id)]).toEqual([3, [made[0]?.id]])
    }),
  )

  it.effect("is changed where the change says so, and its metadata merged", () =>
    Effect.gen(function* () {
      const workspaces = yield* Workspaces
      const { id } = yield* TestUseCases.someUser
      const { id: workspaceId } = yield* workspaces.create(id, { ...draft, metadata: { a: 1, b: { c: 2, d: 3 } } })
      const patched = yield* workspaces.update(workspaceId, id, {
        ...nothing,
        metadata: Option.some({ a: null, b: { c: 4 } }),
      })
      expect(patched).toMatchObject({ name: draft.name, metadata: { b: { c: 4, d: 3 } } })
      const renamed = yield* workspaces.update(workspaceId, id, { ...nothing, name: Option.some("Other") })
      expect(renamed).toMatchObject({ name: "Other", slug: patched.slug, metadata: patched.metadata })
    }),
  )

  it.effect("takes no metadata that is too large, before or after merging", () =>
    Effect.gen(function* () {
      const workspaces = yield* Workspaces
      const { id } = yield* TestUseCases.someUser
      const half = { text: "x".repeat(9000) }
      const { id: workspaceId } = yield* workspaces.create(id, { ...draft, metadata: half })
      const more = workspaces.update(workspaceId, id, { ...nothing, metadata: Option.some({ more: half }) })
      expect(yield* Effect.flip(more)).toMatchObject({ _tag: "MetadataRefused" })
    }),
  )

  it.effect("with a new plan tells provisioner and proxies of every application", () =>
    Effect.gen(function* () {
      const workspaces = yield* Workspaces
      const { owner, workspaceId, id } = yield* TestUseCases.someApplication
      yield* workspaces.update(workspaceId, owner, { ...nothing, plan: Option.some("pro") })
      const [, desired, route] = yield* eventsOf(id)
      const { desired: now } = fromBinary(ProvisionRequestedSchema, desired?.payload ?? new Uint8Array())
      expect(now).toMatchObject({ generation: 2n, plan: WirePlan.PRO })
      expect(fromBinary(KeysChangedSchema, route?.payload ?? new Uint8Array())).toMatchObject({ version: 2n })
    }),
  )

  it.effect("cannot go back to a plan that has no room for its applications", () =>
    Effect.gen(function* () {
      const workspaces = yield* Workspaces
      const applications = yield* Applications
      const { owner, workspaceId } = yield* TestUseCases.someWorkspace("pro")
      yield* Effect.forEach([1, 2, 3, 4], () => applications.create(TestUseCases.draftOf(workspaceId)))
      const back = workspaces.update(workspaceId, owner, { ...nothing, plan: Option.some("free") })
      expect(yield* Effect.flip(back)).toMatchObject({ _tag: "ApplicationLimitReached", limit: 3 })
    }),
  )

  it.effect("gets a plan by contract from us alone", () =>
    Effect.gen(function* () {
      const workspaces = yield* Workspaces
      const { id } = yield* TestUseCases.someUser
      const created = workspaces.create(id, { ...draft, plan: "enterprise" })
      expect(yield* Effect.flip(created)).toMatchObject({ _tag: "PlanNotForSale" })
    }),
  )

  it.effect("is not changed while it is suspended", () =>
    Effect.gen(function* () {
      const workspaces = yield* Workspaces
      const { owner, workspaceId } = yield* TestUseCases.someWorkspace()
      yield* change((sql) => sql`UPDATE workspaces SET status = 'suspended' WHERE id = ${workspaceId}`)
      const renamed = workspaces.update(workspaceId, owner, { ...nothing, name: Option.some("Other") })
      expect(yield* Effect.flip(renamed)).toMatchObject({ _tag: "WorkspaceNotActive" })
    }),
  )
})
