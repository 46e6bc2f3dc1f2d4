/** The Redis of one application as a process of this machine. */
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { ProcessIdentity } from "#shared/runtime/ProcessIdentity.ts"
import { answers } from "#shared/servers/probe.ts"
import type { ClusterFailed } from "./Cluster.ts"
import * as LocalFile from "./LocalFile.ts"
import { portsFor } from "./LocalPorts.ts"
import * as LocalProcess from "./LocalProcess.ts"

export interface RedisProgram {
  /** The program redis-server. */
  readonly command: string
  /** Where it finds its libraries, unless the system knows. */
  readonly libraryPath: Option.Option<string>
}

/** It has only to write the last second to the disk. */
const stopWithin = "2 seconds"

const Address = Schema.Struct({ port: Schema.Int })
const readAddress = LocalFile.read(Address)
const addressOf = (folder: string) => join(folder, "redis.json")

const placeOf = (folder: string, { command }: RedisProgram): LocalProcess.Place => ({ folder, name: "redis", command })

/**
 * On standard input, so that the password is neither in a file nor among the arguments that everybody may see. Its files
 * are in its working directory. At most a second of writes is lost when the machine dies. When memory is used up, what
 * expires anyway goes first.
 */
const configuration = (port: number, password: Redacted.Redacted<string>) => `bind 127.0.0.1
port ${port}
requirepass ${Redacted.value(password)}
appendonly yes
appendfsync everysec
save ""
maxmemory 32mb
maxmemory-policy volatile-lru
databases 1
loglevel warning
`

export interface LocalRedis {
  readonly port: number
  /** None: it was started, and has died. */
  readonly process: Option.Option<ProcessIdentity>
}

/** What is there of it. */
export const observe = Effect.fnUntraced(function* (
  folder: string,
  program: RedisProgram,
): Effect.fn.Return<Option.Option<LocalRedis>, ClusterFailed> {
  const address = yield* readAddress(addressOf(folder))
  if (Option.isNone(address)) return Option.none()
  return Option.some({ port: address.value.port, process: yield* LocalProcess.find(placeOf(folder, program)) })
})

/** Has it run, on its former port where that is free, until it answers to the password. */
export const ensure = Effect.fnUntraced(function* (
  folder: string,
  program: RedisProgram,
  password: Redacted.Redacted<string>,
): Effect.fn.Return<ProcessIdentity, ClusterFailed> {
  const place = placeOf(folder, program)
  const directory = LocalProcess.directoryOf(place)
  const before = yield* readAddress(addressOf(folder))
  const running = yield* LocalProcess.find(place)
  const ready = (port: number, identity: ProcessIdentity) =>
    LocalProcess.readyWhen(
      place,
      identity,
      answers(port, `AUTH ${Redacted.value(password)}\r\nPING\r\n`, "+PONG"),
      "15 seconds",
    )
  if (Option.isSome(running) && Option.isSome(before)) {
    yield* ready(before.value.port, running.value)
    return running.value
  }
  // Without its address it is of no use to anybody.
  if (Option.isSome(running)) yield* LocalProcess.stop(place, stopWithin)
  const [port = 0] = yield* portsFor(
    Option.toArray(before).map((address) => address.port),
    1,
  )
  yield* LocalFile.attempt(() => mkdirSync(directory, { recursive: true, mode: 0o700 }))
  yield* LocalFile.write(addressOf(folder), { port })
  const env = Option.match(program.libraryPath, { onNone: () => ({}), onSome: (path) => ({ LD_LIBRARY_PATH: path }) })
  const started = yield* LocalProcess.start({
    ...place,
    args: ["-"],
    env: { LC_ALL: "C", ...env },
    input: configuration(port, password),
  })
  yield* ready(port, started)
  return started
})

/** Stops it; what it holds stays. */
export const stop = (folder: string, program: RedisProgram): Effect.Effect<void, ClusterFailed> =>
  LocalProcess.stop(placeOf(folder, program), stopWithin)

/** Stops it, and removes what it holds. */
export const remove = Effect.fnUntraced(function* (folder: string, program: RedisProgram) {
  yield* stop(folder, program)
  yield* LocalFile.remove(LocalProcess.directoryOf(placeOf(folder, program)))
  yield* LocalFile.remove(addressOf(folder))
})
