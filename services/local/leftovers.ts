/** Processes that a stack did not live to stop. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { stopRecorded } from "#shared/runtime/ProcessIdentity.ts"
import * as PostgresServer from "#shared/servers/PostgresServer.ts"

/** Where the stack remembers its own processes, as `<name>.pid.json`. */
export const recordsOf = (dir: string): string => join(dir, "run")
/** Where the provisioner remembers those of each application, as `<application>/{redis,identity}.pid.json`. */
export const instancesOf = (dir: string): string => join(dir, "instances")

const suffix = ".pid.json"
/** These are stopped last, for all others use them. */
const servers = new Set(["postgres", "redis", "nats"])

/** Stops all processes remembered in the folder, those that use others first. */
export const stopLeftovers = Effect.fnUntraced(function* (
  dir: string,
): Effect.fn.Return<void, never, FileSystem.FileSystem> {
  const records = yield* entries(recordsOf(dir))
  const names = records.filter((name) => name.endsWith(suffix)).map((name) => name.slice(0, -suffix.length))
  yield* stopNamed(
    dir,
    names.filter((name) => !servers.has(name)),
  )
  yield* stopInstances(dir)
  yield* stopNamed(
    dir,
    names.filter((name) => servers.has(name)),
  )
})

/** Stops the instances that the provisioner started, as far as it did not. */
export const stopInstances = Effect.fnUntraced(function* (
  dir: string,
): Effect.fn.Return<void, never, FileSystem.FileSystem> {
  const root = instancesOf(dir)
  const files = yield* Effect.forEach(yield* entries(root), (instance) =>
    Effect.map(entries(join(root, instance)), (names) => names.map((name) => join(root, instance, name))),
  )
  const records = files.flat().filter((file) => file.endsWith(suffix))
  // An instance writes to its Redis until it has stopped.
  const [stores, programs] = [
    records.filter((file) => file.endsWith(`redis${suffix}`)),
    records.filter((file) => !file.endsWith(`redis${suffix}`)),
  ]
  for (const group of [programs, stores]) {
    yield* Effect.forEach(group, (file) => stopRecorded(file, { within: "5 seconds" }), {
      concurrency: 16,
      discard: true,
    })
  }
})

const stopNamed = (dir: string, names: ReadonlyArray<string>) =>
  Effect.forEach(
    names,
    (name) =>
      stopRecorded(join(recordsOf(dir), `${name}${suffix}`), {
        signal: name === "postgres" ? PostgresServer.stopSignal : "SIGTERM",
        within: "20 seconds",
      }),
    { concurrency: "unbounded", discard: true },
  )

const entries = (folder: string): Effect.Effect<ReadonlyArray<string>, never, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (files) => Effect.orElseSucceed(files.readDirectory(folder), () => []))
