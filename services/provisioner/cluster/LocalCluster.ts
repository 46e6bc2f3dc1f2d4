/**
 * The cluster as processes of this machine: a namespace is a folder, a Redis and an instance are child processes that go
 * on when their provisioner is killed and are adopted by the next one. They stop with a provisioner that stops in order,
 * and the reconciler of the next one brings them back with all their data.
 */
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs"
import { join, resolve } from "node:path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { isAlive, type ProcessIdentity } from "#shared/runtime/ProcessIdentity.ts"
import { ApplicationId, suffixOf } from "../applications/Application.ts"
import { Cluster } from "./Cluster.ts"
import * as LocalFile from "./LocalFile.ts"
import * as LocalInstance from "./LocalInstance.ts"
import * as LocalRedis from "./LocalRedis.ts"

export interface LocalClusterOptions {
  /** Where every application has a folder of its own. */
  readonly folder: string
  readonly redis: LocalRedis.RedisProgram
  readonly instance: LocalInstance.InstanceProgram
}

/** How often the processes are looked after. */
const watchInterval = "500 millis"
const isApplicationId = Schema.is(ApplicationId)
/** How many applications are stopped at a time. */
const stopConcurrency = 16

const make = Effect.fnUntraced(function* ({ redis, instance, ...options }: LocalClusterOptions) {
  const folder = resolve(options.folder)
  const watched = new Map<string, { readonly id: ApplicationId; readonly identity: ProcessIdentity }>()
  const changes = yield* PubSub.sliding<ApplicationId>(1024)
  const folderOf = (id: ApplicationId) => join(folder, suffixOf(id))
  const targetsOf = (id: ApplicationId) => join(folder, "targets", `${suffixOf(id)}.json`)
  const watch = (id: ApplicationId, name: "redis" | "instance") => (identity: ProcessIdentity) => {
    watched.set(`${id}/${name}`, { id, identity })
  }
  const unwatch = (id: ApplicationId, name: "redis" | "instance") => Effect.sync(() => watched.delete(`${id}/${name}`))

  yield* LocalFile.attempt(() => mkdirSync(folder, { recursive: true, mode: 0o700 }))
  yield* Effect.addFinalizer(() =>
    Effect.andThen(
      Effect.sync(() => watched.clear()),
      stopAll(folder, redis, instance),
    ),
  )

  yield* Effect.forEach(
    watched,
    ([name, { id, identity }]) =>
      Effect.flatMap(isAlive(identity), (alive) => {
        if (alive || watched.get(name)?.identity !== identity) return Effect.void
        watched.delete(name)
        return Effect.andThen(
          Effect.logWarning("a process has ended by itself", { application: id, process: name.split("/")[1] }),
          PubSub.publish(changes, id),
        )
      }),
    { discard: true },
  ).pipe(Effect.repeat(Schedule.spaced(watchInterval)), Effect.forkScoped)

  return Cluster.of({
    observe: Effect.fn("LocalCluster.observe")(function* (id) {
      const namespace = yield* isPrivateFolder(folderOf(id))
      const [itsRedis, itsInstance] = yield* Effect.all(
        [LocalRedis.observe(folderOf(id), redis), LocalInstance.observe(folderOf(id))],
        { concurrency: 2 },
      )
      Option.map(
        Option.flatMap(itsRedis, ({ process }) => process),
        watch(id, "redis"),
      )
      Option.map(
        Option.flatMap(itsInstance, ({ process }) => process),
        watch(id, "instance"),
      )
      const target = yield* Effect.option(LocalFile.attempt(() => readFileSync(targetsOf(id), "utf8")))
      return {
        namespace,
        redis: Option.map(itsRedis, ({ port, process }) => ({
          host: "127.0.0.1",
          port,
          ready: Option.isSome(process),
        })),
        instance: yield* Effect.transposeOption(
          Option.map(itsInstance, (its) =>
            Effect.map(Option.isSome(its.process) ? LocalInstance.isReady(its) : Effect.succeed(false), (ready) => ({
              revision: its.revision,
              url: `http://127.0.0.1:${its.httpPort}`,
              ready,
            })),
          ),
        ),
        monitoring: Option.match(target, {
          onNone: () => "absent" as const,
          onSome: (text) =>
            Option.exists(itsInstance, (its) => text === JSON.stringify(scrapeTargets(id, its)))
              ? ("present" as const)
              : ("differs" as const),
        }),
      }
    }),
    ensureNamespace: Effect.fn("LocalCluster.ensureNamespace")((id) =>
      LocalFile.attempt(() => {
        mkdirSync(folderOf(id), { recursive: true, mode: 0o700 })
        chmodSync(folderOf(id), 0o700)
      }),
    ),
    ensureRedis: Effect.fn("LocalCluster.ensureRedis")((id, password) =>
      Effect.map(LocalRedis.ensure(folderOf(id), redis, password), watch(id, "redis")),
    ),
    ensureInstance: Effect.fn("LocalCluster.ensureInstance")((id, spec) =>
      Effect.andThen(
        unwatch(id, "instance"),
        LocalInstance.ensure(folderOf(id), instance, spec, watch(id, "instance")),
      ),
    ),
    ensureMonitoring: Effect.fn("LocalCluster.ensureMonitoring")(function* (id) {
      const its = yield* LocalInstance.observe(folderOf(id))
      if (Option.isSome(its)) yield* LocalFile.write(targetsOf(id), scrapeTargets(id, its.value))
    }),
    remove: Effect.fn("LocalCluster.remove")(function* (id, part) {
      switch (part) {
        case "monitoring":
          return yield* LocalFile.remove(targetsOf(id))
        case "instance":
          yield* unwatch(id, "instance")
          return yield* LocalInstance.remove(folderOf(id), instance)
        case "redis":
          yield* unwatch(id, "redis")
          return yield* LocalRedis.remove(folderOf(id), redis)
        case "namespace":
          yield* stopOne(folderOf(id), redis, instance)
          return yield* LocalFile.remove(folderOf(id))
      }
    }),
    changes: Stream.fromPubSub(changes),
  })
})

/** The driver over the processes of this machine. */
export const layer = (options: LocalClusterOptions) => Layer.effect(Cluster, make(options))

/** As Prometheus reads it by file_sd_configs. The one label tells instances apart, as it does in Kubernetes. */
const scrapeTargets = (id: ApplicationId, { grpcPort }: { readonly grpcPort: number }) => [
  { targets: [`127.0.0.1:${grpcPort}`], labels: { namespace: `authsome-app-${suffixOf(id)}` } },
]

const isPrivateFolder = (path: string) =>
  Effect.orElseSucceed(
    LocalFile.attempt(() => (statSync(path).mode & 0o777) === 0o700),
    () => false,
  )

/** An instance writes to its Redis until it has stopped. */
const stopOne = (path: string, redis: LocalRedis.RedisProgram, instance: LocalInstance.InstanceProgram) =>
  Effect.andThen(LocalInstance.stop(path, instance), LocalRedis.stop(path, redis))

const stopAll = (folder: string, redis: LocalRedis.RedisProgram, instance: LocalInstance.InstanceProgram) =>
  Effect.orElseSucceed(
    LocalFile.attempt(() => readdirSync(folder)),
    () => [],
  ).pipe(
    Effect.map((names) => names.filter((name) => isApplicationId(`app_${name}`))),
    Effect.flatMap((names) =>
      Effect.forEach(
        names,
        (name) =>
          Effect.catch(stopOne(join(folder, name), redis, instance), (error) =>
            Effect.logError("an instance could not be stopped", error),
          ),
        { concurrency: stopConcurrency, discard: true },
      ),
    ),
  )
