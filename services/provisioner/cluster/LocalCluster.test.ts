import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { forget, isAlive, type ProcessIdentity, recorded, signal } from "#shared/runtime/ProcessIdentity.ts"
import { answers, isOk } from "#shared/servers/probe.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { type ApplicationId, suffixOf } from "../applications/Application.ts"
import { LocalPlace, newApplicationId, programOf } from "../fixtures/LocalPlace.ts"
import { Cluster, type InstanceSpec } from "./Cluster.ts"
import type { LocalClusterOptions } from "./LocalCluster.ts"
import * as LocalCluster from "./LocalCluster.ts"

const password = Redacted.make("the-password-of-its-redis")

const specOf = (id: ApplicationId, revision = "one"): InstanceSpec => ({
  revision,
  variables: { APPLICATION_ID: id },
  secrets: { DATABASE_URL: Redacted.make("postgres://nowhere/none") },
})

/** A driver of its own over the same folder, as the next provisioner has it. Closing the scope stops the processes. */
const driver = (options: Partial<LocalClusterOptions> = {}) =>
  Effect.gen(function* () {
    const place = yield* LocalPlace
    const context = yield* Layer.build(LocalCluster.layer({ ...place, ...options }))
    return yield* Effect.provide(Cluster, context)
  })

const provisioned = Effect.fnUntraced(function* (cluster: Cluster["Service"], id: ApplicationId) {
  yield* cluster.ensureNamespace(id)
  yield* cluster.ensureRedis(id, password)
  yield* cluster.ensureInstance(id, specOf(id))
  yield* cluster.ensureMonitoring(id)
  return yield* cluster.observe(id)
})

const recordOf = (id: ApplicationId, name: "redis" | "identity") =>
  Effect.map(LocalPlace, ({ folder }) => join(folder, suffixOf(id), `${name}.pid.json`))

const processOf = (id: ApplicationId, name: "redis" | "identity") =>
  Effect.flatMap(Effect.flatMap(recordOf(id, name), recorded), Effect.fromOption)

const gone = (identity: ProcessIdentity) =>
  eventually(Effect.flatMap(isAlive(identity), (alive) => (alive ? Effect.fail("alive") : Effect.void)))

layer(LocalPlace.layer, { excludeTestServices: true })("a cluster of processes", (it) => {
  it.effect("gives an application a folder, a Redis and an instance of its own, and watches it", () =>
    Effect.gen(function* () {
      const id = yield* newApplicationId
      const { folder } = yield* LocalPlace
      const cluster = yield* driver()
      assert.isTrue(Option.isNone((yield* cluster.observe(id)).instance))
      const { namespace, redis, instance, monitoring } = yield* provisioned(cluster, id)

      const home = join(folder, suffixOf(id))
      assert.isTrue(namespace)
      assert.strictEqual(statSync(home).mode & 0o777, 0o700)
      const { port, ready } = yield* Effect.fromOption(redis)
      assert.isTrue(ready)
      assert.isTrue(yield* answers(port, "PING\r\n", "NOAUTH"))
      assert.isTrue(yield* answers(port, `AUTH ${Redacted.value(password)}\r\nPING\r\n`, "+PONG"))
      const { url, revision } = yield* Effect.fromOption(instance)
      assert.strictEqual(revision, "one")
      assert.isTrue(yield* isOk(url))

      assert.strictEqual(monitoring, "present")
      const targets = JSON.parse(readFileSync(join(folder, "targets", `${suffixOf(id)}.json`), "utf8"))
      assert.isTrue(yield* isOk(`http://${targets[0].targets[0]}/ready`))
      const secrets = /the-password|DATABASE_URL|postgres:/
      const files = readdirSync(home, { recursive: true, encoding: "utf8" }).map((name) => join(home, name))
      for (const file of files.filter((path) => statSync(path).isFile())) {
        assert.notMatch(readFileSync(file, "latin1"), secrets, file)
      }
    }),
  )

  it.effect("is told nothing of the environment of whoever starts it", () =>
    Effect.gen(function* () {
      const id = yield* newApplicationId
      yield* provisioned(yield* driver(), id)
      const { pid } = yield* processOf(id, "identity")
      const names = readFileSync(`/proc/${pid}/environ`, "utf8")
        .split("\0")
        .flatMap((line) => line.split("=").slice(0, 1))
      assert.deepStrictEqual(names.filter((name) => name !== "").sort(), [
        "APPLICATION_ID",
        "DATABASE_URL",
        "HTTP_PORT",
        "LISTEN_HOST",
        "RATE_LIMIT_COSTLY_PER_MINUTE",
        "RATE_LIMIT_CREDENTIAL_PER_MINUTE",
        "SERVER_PORT",
      ])
    }),
  )

  it.effect("changes nothing when everything is there already", () =>
    Effect.gen(function* () {
      const id = yield* newApplicationId
      const cluster = yield* driver()
      const first = yield* provisioned(cluster, id)
      const before = [yield* processOf(id, "redis"), yield* processOf(id, "identity")]
      const second = yield* provisioned(cluster, id)
      assert.deepStrictEqual([yield* processOf(id, "redis"), yield* processOf(id, "identity")], before)
      assert.deepStrictEqual(second, first)
    }),
  )

  it.effect("adopts what runs, even where the record of it is lost", () =>
    Effect.gen(function* () {
      const id = yield* newApplicationId
      yield* provisioned(yield* driver(), id)
      const before = [yield* processOf(id, "redis"), yield* processOf(id, "identity")]
      for (const name of ["redis", "identity"] as const) yield* forget(yield* recordOf(id, name))

      const successor = yield* driver()
      const { redis, instance } = yield* provisioned(successor, id)
      assert.isTrue(Option.exists(redis, ({ ready }) => ready))
      assert.isTrue(Option.exists(instance, ({ ready }) => ready))
      assert.deepStrictEqual([yield* processOf(id, "redis"), yield* processOf(id, "identity")], before)
    }),
  )

  it.effect("tells of an instance that dies, and brings it back where it was", () =>
    Effect.gen(function* () {
      const id = yield* newApplicationId
      const cluster = yield* driver()
      const before = yield* provisioned(cluster, id)
      const told = yield* cluster.changes.pipe(
        Stream.filter((changed) => changed === id),
        Stream.runHead,
        Effect.forkScoped({ startImmediately: true }),
      )
      const killed = yield* processOf(id, "identity")
      yield* signal(killed, "SIGKILL")
      assert.isTrue(Option.isSome(yield* Fiber.join(told)))
      const dead = yield* cluster.observe(id)
      assert.isTrue(Option.exists(dead.instance, ({ ready }) => !ready))
      yield* cluster.ensureInstance(id, specOf(id))
      assert.deepStrictEqual(yield* cluster.observe(id), before)
      assert.notStrictEqual((yield* processOf(id, "identity")).pid, killed.pid)
    }),
  )

  it.effect("replaces an instance of another revision", () =>
    Effect.gen(function* () {
      const id = yield* newApplicationId
      const cluster = yield* driver()
      yield* provisioned(cluster, id)
      const old = yield* processOf(id, "identity")
      yield* cluster.ensureInstance(id, specOf(id, "two"))
      assert.isFalse(yield* isAlive(old))
      const { instance } = yield* cluster.observe(id)
      assert.isTrue(Option.exists(instance, ({ revision, ready }) => revision === "two" && ready))
    }),
  )

  it.effect("says why an instance does not start", () =>
    Effect.gen(function* () {
      const id = yield* newApplicationId
      const { instance } = yield* LocalPlace
      const cluster = yield* driver({ instance: { ...instance, main: programOf("broken") } })
      yield* cluster.ensureNamespace(id)
      const failure = yield* Effect.flip(cluster.ensureInstance(id, specOf(id)))
      assert.strictEqual(
        failure.reason,
        "identity ended before it was ready: identity cannot start: NOTHING_AT_ALL is missing.",
      )
    }),
  )

  it.effect("leaves neither a process nor a file of what is removed", () =>
    Effect.gen(function* () {
      const id = yield* newApplicationId
      const { folder } = yield* LocalPlace
      const cluster = yield* driver()
      yield* provisioned(cluster, id)
      const processes = [yield* processOf(id, "redis"), yield* processOf(id, "identity")]
      for (const part of ["monitoring", "instance", "redis", "namespace"] as const) yield* cluster.remove(id, part)
      for (const identity of processes) assert.isFalse(yield* isAlive(identity))
      assert.isFalse(existsSync(join(folder, suffixOf(id))))
      assert.isFalse(existsSync(join(folder, "targets", `${suffixOf(id)}.json`)))
      const nothing = { namespace: false, redis: Option.none(), instance: Option.none(), monitoring: "absent" as const }
      assert.deepStrictEqual(yield* cluster.observe(id), nothing)
      for (const part of ["monitoring", "instance", "redis", "namespace"] as const) yield* cluster.remove(id, part)
    }),
  )

  it.effect("stops its processes when it stops, and keeps what Redis held", () =>
    Effect.gen(function* () {
      const id = yield* newApplicationId
      const scope = yield* Scope.make()
      const first = yield* driver().pipe(Scope.provide(scope))
      const { redis } = yield* provisioned(first, id)
      const { port } = yield* Effect.fromOption(redis)
      const login = `AUTH ${Redacted.value(password)}\r\n`
      assert.isTrue(yield* answers(port, `${login}SET colour blue\r\n`, "+OK\r\n+OK"))
      const processes = [yield* processOf(id, "redis"), yield* processOf(id, "identity")]
      yield* Scope.close(scope, yield* Effect.exit(Effect.void))
      yield* Effect.forEach(processes, gone)

      const again = yield* provisioned(yield* driver(), id)
      assert.strictEqual(Option.getOrThrow(again.redis).port, port)
      assert.isTrue(yield* answers(port, `${login}GET colour\r\n`, "blue"))
    }),
  )
})
