import { spawn } from "node:child_process"
import { createServer, type Server } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import { recorded, signal } from "#shared/runtime/ProcessIdentity.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { TestDatabase } from "#shared/testing/TestDatabase.ts"
import { LocalPlace, newApplicationId, programOf } from "../fixtures/LocalPlace.ts"
import { type Around, desired, type WorkshopOptions, workshop } from "../fixtures/Workshop.ts"
import { processes, standing, told, traces } from "../fixtures/WorldStore.ts"
import { suffixOf } from "./Application.ts"
import { ProvisioningStore } from "./ProvisioningStore.ts"
import { Provisionings } from "./Provisionings.ts"
import type { StepName } from "./Step.ts"

/** A database and a folder that one test has to itself. */
const world = Layer.mergeAll(LocalPlace.layer, Provisionings.layer, ProvisioningStore.layer).pipe(
  Layer.provideMerge(TestDatabase.sql("provisioner")),
)

/** A reconciler for as long as the scope lives. */
const reconciler = (options: Partial<WorkshopOptions> = {}) =>
  Effect.gen(function* () {
    const cluster = yield* LocalPlace
    const { adminUrl } = yield* TestDatabase
    yield* Layer.build(workshop({ cluster, tenants: adminUrl, ...options }))
  })

/** Does the step, tells of it, and never goes on. */
const stuckIn =
  (name: StepName, stuck: Deferred.Deferred<void>): Around =>
  (deed, take) =>
    deed.name === name && deed.verb === "make"
      ? Effect.andThen(take, Effect.andThen(Deferred.succeed(stuck, undefined), Effect.never))
      : take

/** A reconciler in a process of its own that gets stuck in that step. */
const worker = Effect.fnUntraced(function* (stopIn: StepName) {
  const { folder, redis } = yield* LocalPlace
  const { url, adminUrl } = yield* TestDatabase
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, [join(import.meta.dirname, "..", "fixtures", "worker.ts")], {
        env: {
          DATABASE_URL: Redacted.value(url),
          TENANT_POSTGRES_URL: Redacted.value(adminUrl),
          LOCAL_INSTANCES_DIR: folder,
          LOCAL_REDIS_SERVER: redis.command,
          ...Option.match(redis.libraryPath, {
            onNone: () => ({}),
            onSome: (path) => ({ LOCAL_REDIS_LIBRARY_PATH: path }),
          }),
          STOP_IN: stopIn,
        },
        stdio: ["ignore", "pipe", "inherit"],
      }),
    ),
    (started) => Effect.sync(() => started.kill("SIGKILL")),
  )
  const ended = yield* Deferred.make<void>()
  const stuck = yield* Deferred.make<void>()
  child.once("exit", () => Deferred.doneUnsafe(ended, Effect.void))
  child.stdout.on("data", (chunk: Buffer) => {
    if (chunk.includes(`stuck in ${stopIn}`)) Deferred.doneUnsafe(stuck, Effect.void)
  })
  return {
    stuck: Deferred.await(stuck),
    kill: Effect.andThen(
      Effect.sync(() => child.kill("SIGKILL")),
      Deferred.await(ended),
    ),
  }
})

/** Somebody else listens on the port while the scope lives. */
const occupied = (port: number) =>
  Effect.acquireRelease(
    Effect.callback<Server>((resume) => {
      const server = createServer().listen(port, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close()),
  )

const isDone = ({ state }: { readonly state: string }) => state === "done"
const deeds: ReadonlyArray<StepName> = ["namespace", "database", "redis", "migrations", "instance", "monitoring"]

describe("the reconciler", () => {
  it.live("brings an application from nothing to active and back to nothing", () =>
    Effect.gen(function* () {
      const id = yield* newApplicationId
      const { desire } = yield* Provisionings
      yield* reconciler()
      yield* desire(desired(id))
      const { steps, instanceUrl, attempt, observedGeneration } = yield* standing(id, isDone)
      assert.deepStrictEqual(
        steps.map(({ name, state, attempt }) => ({ name, state, attempt })),
        [...deeds, "activate"].map((name) => ({ name, state: "done", attempt: 1 })),
      )
      assert.strictEqual(attempt, 1)
      assert.strictEqual(observedGeneration, 1n)
      const [active, ...others] = yield* told(id)
      assert.deepInclude(active, { status: "ACTIVE", generation: 1n, instanceUrl, reason: "", attempts: 1 })
      assert.isEmpty(others)
      assert.deepStrictEqual(yield* processes(id), ["identity", "redis"])

      yield* desire(desired(id, "absent", 2n))
      yield* standing(id, (now) => now.desired.generation === 2n && isDone(now))
      assert.deepStrictEqual(
        (yield* told(id)).map(({ status, generation }) => [status, generation]),
        [
          ["ACTIVE", 1n],
          ["DELETING", 2n],
          ["DELETED", 2n],
        ],
      )
      const nothing = { database: false, role: false, folder: false, target: false, processes: [] }
      assert.deepStrictEqual(yield* traces(id), nothing)
      const sql = yield* SqlClient.SqlClient
      assert.isEmpty(yield* sql`SELECT 1 FROM credentials WHERE application_id = ${id}`)
    }).pipe(Effect.scoped, Effect.provide(world)),
  )

  it.live("stops a suspended instance, keeps its data, and resumes it", () =>
    Effect.gen(function* () {
      const id = yield* newApplicationId
      const { desire } = yield* Provisionings
      yield* reconciler()
      yield* desire(desired(id))
      yield* standing(id, isDone)
      yield* desire(desired(id, "suspended", 2n))
      yield* standing(id, (now) => now.desired.generation === 2n && isDone(now))
      assert.deepStrictEqual(yield* processes(id), ["redis"])
      assert.isTrue((yield* traces(id)).database)
      yield* desire(desired(id, "running", 3n))
      yield* standing(id, (now) => now.desired.generation === 3n && isDone(now))
      const statuses = (yield* told(id)).map(({ status, generation }) => [status, generation])
      assert.deepStrictEqual(statuses, [
        ["ACTIVE", 1n],
        ["SUSPENDED", 2n],
        ["ACTIVE", 3n],
      ])
    }).pipe(Effect.scoped, Effect.provide(world)),
  )

  it.live("ignores a desired state that is older than what it knows", () =>
    Effect.gen(function* () {
      const id = yield* newApplicationId
      const { desire, get } = yield* Provisionings
      yield* desire(desired(id, "running", 7n))
      yield* desire(desired(id, "absent", 6n))
      yield* desire(desired(id, "absent", 7n))
      assert.deepInclude((yield* get(id)).desired, { generation: 7n, wanted: "running" })
    }).pipe(Effect.scoped, Effect.provide(world)),
  )

  it.live("brings back an instance that dies, and tells nobody as long as it is where it was", () =>
    Effect.gen(function* () {
      const id = yield* newApplicationId
      const { folder } = yield* LocalPlace
      const { desire } = yield* Provisionings
      yield* reconciler()
      yield* desire(desired(id))
      yield* standing(id, isDone)
      const record = recorded(`${folder}/${suffixOf(id)}/identity.pid.json`)
      const killed = yield* Effect.flatMap(record, Effect.fromOption)
      yield* signal(killed, "SIGKILL")
      yield* eventually(
        Effect.flatMap(Effect.all([record, processes(id)]), ([now, running]) =>
          Option.exists(now, ({ pid }) => pid !== killed.pid) && running.length === 2
            ? Effect.void
            : Effect.fail(running),
        ),
      )
      yield* standing(id, isDone)
      assert.deepStrictEqual(
        (yield* told(id)).map(({ status }) => status),
        ["ACTIVE"],
      )
    }).pipe(Effect.scoped, Effect.provide(world)),
  )

  it.live("tells where an instance is when it had to move", () =>
    Effect.gen(function* () {
      const id = yield* newApplicationId
      const { desire } = yield* Provisionings
      const scope = yield* Scope.make()
      yield* reconciler().pipe(Scope.provide(scope))
      yield* desire(desired(id))
      const { instanceUrl } = yield* standing(id, isDone)
      yield* Scope.close(scope, Exit.void)
      yield* occupied(Number(new URL(instanceUrl).port))
      yield* reconciler()
      const { instanceUrl: now } = yield* standing(id, (it) => isDone(it) && it.instanceUrl !== instanceUrl)
      assert.deepStrictEqual(
        (yield* told(id)).map(({ status, instanceUrl }) => [status, instanceUrl]),
        [
          ["ACTIVE", instanceUrl],
          ["ACTIVE", now],
        ],
      )
    }).pipe(Effect.scoped, Effect.provide(world)),
  )

  it.live("tries three times, then says why it failed, and again when it is asked to", () =>
    Effect.gen(function* () {
      const id = yield* newApplicationId
      const cluster = yield* LocalPlace
      const { desire, retry } = yield* Provisionings
      const scope = yield* Scope.make()
      const broken = { ...cluster, instance: { ...cluster.instance, main: programOf("broken") } }
      yield* reconciler({ cluster: broken }).pipe(Scope.provide(scope))
      yield* desire(desired(id))
      const failed = yield* standing(id, ({ state }) => state === "failed")
      assert.strictEqual(failed.attempt, 3)
      assert.deepStrictEqual(failed.reason, Option.some("Its instance did not become ready."))
      const step = failed.steps.find(({ name }) => name === "instance")
      assert.deepInclude(step, { state: "failed", attempt: 3 })
      assert.include(
        Option.getOrThrow(Option.flatMap(Option.fromUndefinedOr(step), ({ error }) => error)),
        "NOTHING_AT_ALL",
      )
      const [event, ...others] = yield* told(id)
      assert.deepInclude(event, { status: "FAILED", reason: "Its instance did not become ready.", attempts: 3 })
      assert.isEmpty(others)
      yield* Scope.close(scope, Exit.void)

      yield* reconciler()
      yield* retry(id)
      const { attempt, reason } = yield* standing(id, isDone)
      assert.strictEqual(attempt, 1)
      assert.isTrue(Option.isNone(reason))
      assert.deepStrictEqual(
        (yield* told(id)).map(({ status }) => status),
        ["FAILED", "ACTIVE"],
      )
    }).pipe(Effect.scoped, Effect.provide(world)),
  )

  it.live("takes each step once, however many reconcilers there are", () =>
    Effect.gen(function* () {
      const ids = yield* Effect.all([newApplicationId, newApplicationId])
      const { desire } = yield* Provisionings
      const taken: Array<string> = []
      const around: Around = (deed, take) =>
        Effect.andThen(
          Effect.sync(() => taken.push(deed.name)),
          take,
        )
      yield* Effect.all([reconciler({ around }), reconciler({ around })])
      yield* Effect.forEach(ids, (id) => desire(desired(id)))
      yield* Effect.forEach(ids, (id) => standing(id, isDone))
      assert.deepStrictEqual(taken.sort(), [...deeds, ...deeds].sort())
      for (const id of ids) assert.deepStrictEqual(yield* processes(id), ["identity", "redis"])
    }).pipe(Effect.scoped, Effect.provide(world)),
  )

  for (const name of deeds) {
    it.live(`goes on where another one was interrupted: ${name}`, () =>
      Effect.gen(function* () {
        const { desire } = yield* Provisionings
        const id = yield* newApplicationId
        const scope = yield* Scope.make()
        const stuck = yield* Deferred.make<void>()
        yield* reconciler({ around: stuckIn(name, stuck) }).pipe(Scope.provide(scope))
        yield* desire(desired(id))
        yield* Deferred.await(stuck)
        yield* Scope.close(scope, Exit.void)
        yield* reconciler()
        yield* standing(id, isDone)
        assert.deepStrictEqual(
          (yield* told(id)).map(({ status }) => status),
          ["ACTIVE"],
        )
        assert.deepStrictEqual(yield* processes(id), ["identity", "redis"])
      }).pipe(Effect.scoped, Effect.provide(world)),
    )

    it.live(`goes on where another one was killed, and leaves nothing behind: ${name}`, () =>
      Effect.gen(function* () {
        const { desire } = yield* Provisionings
        const id = yield* newApplicationId
        yield* desire(desired(id))
        const killed = yield* worker(name)
        yield* killed.stuck
        const before = yield* processes(id)
        yield* killed.kill
        yield* reconciler()
        const { steps } = yield* standing(id, isDone)
        assert.deepStrictEqual(
          steps.filter(({ state }) => state !== "done"),
          [],
        )
        assert.deepStrictEqual(
          (yield* told(id)).map(({ status }) => status),
          ["ACTIVE"],
        )
        assert.deepStrictEqual(yield* processes(id), ["identity", "redis"])
        assert.isAtMost(before.length, 2)
        yield* desire(desired(id, "absent", 2n))
        yield* standing(id, (now) => now.desired.generation === 2n && isDone(now))
        const nothing = { database: false, role: false, folder: false, target: false, processes: [] }
        assert.deepStrictEqual(yield* traces(id), nothing)
      }).pipe(Effect.scoped, Effect.provide(world)),
    )
  }

  it.live("turns to what is wanted now, without finishing what is not", () =>
    Effect.gen(function* () {
      const id = yield* newApplicationId
      const { desire } = yield* Provisionings
      const stuck = yield* Deferred.make<void>()
      yield* reconciler({ around: stuckIn("instance", stuck) })
      yield* desire(desired(id))
      yield* Deferred.await(stuck)
      yield* desire(desired(id, "absent", 2n))
      yield* standing(id, isDone)
      const nothing = { database: false, role: false, folder: false, target: false, processes: [] }
      assert.deepStrictEqual(yield* traces(id), nothing)
      assert.deepStrictEqual(
        (yield* told(id)).map(({ status }) => status),
        ["DELETED"],
      )
    }).pipe(Effect.scoped, Effect.provide(world)),
  )
})
