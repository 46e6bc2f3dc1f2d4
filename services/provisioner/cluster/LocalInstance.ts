/** The instance of one application as a process of this machine. */
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { ProcessIdentity } from "#shared/runtime/ProcessIdentity.ts"
import { isOk } from "#shared/servers/probe.ts"
import type { ClusterFailed, InstanceSpec } from "./Cluster.ts"
import * as LocalFile from "./LocalFile.ts"
import { portsFor } from "./LocalPorts.ts"
import * as LocalProcess from "./LocalProcess.ts"

export interface InstanceProgram {
  /** The file that Node.js runs as the instance. */
  readonly main: string
  /** How long it may take from its start until it is ready. */
  readonly readyWithin: Duration.Duration
  /** How long it may take to stop. */
  readonly stopWithin: Duration.Duration
  /** Where Node.js keeps what it made of the program's files, if anywhere. */
  readonly compileCache: Option.Option<string>
}

const Address = Schema.Struct({ httpPort: Schema.Int, grpcPort: Schema.Int, revision: Schema.String })
type Address = typeof Address.Type
const readAddress = LocalFile.read(Address)
const addressOf = (folder: string) => join(folder, "identity.json")

/** Many instances share a machine: a small heap, collected often, and code compiled for size. */
const nodeArguments = ["--max-old-space-size=128", "--max-semi-space-size=2", "--optimize-for-size"]

const placeOf = (folder: string): LocalProcess.Place => ({ folder, name: "identity", command: process.execPath })

export interface LocalInstance extends Address {
  /** None: it was started, and has died. */
  readonly process: Option.Option<ProcessIdentity>
}

/** What is there of it. */
export const observe = Effect.fnUntraced(function* (
  folder: string,
): Effect.fn.Return<Option.Option<LocalInstance>, ClusterFailed> {
  const address = yield* readAddress(addressOf(folder))
  if (Option.isNone(address)) return Option.none()
  return Option.some({ ...address.value, process: yield* LocalProcess.find(placeOf(folder)) })
})

/** Whether it says that it can do its work. */
export const isReady = ({ grpcPort }: Pick<Address, "grpcPort">): Effect.Effect<boolean> =>
  isOk(`http://127.0.0.1:${grpcPort}/ready`)

/** Everybody on this machine comes from one address: what is much for one person is little for all of them. */
const rates = { RATE_LIMIT_CREDENTIAL_PER_MINUTE: "1200", RATE_LIMIT_COSTLY_PER_MINUTE: "1200" }

/** Has one process of this revision run, on the former ports where those are free, until it is ready. */
export const ensure = Effect.fnUntraced(function* (
  folder: string,
  program: InstanceProgram,
  spec: InstanceSpec,
  onStarted: (identity: ProcessIdentity) => void,
): Effect.fn.Return<void, ClusterFailed> {
  const place = placeOf(folder)
  const before = yield* readAddress(addressOf(folder))
  const running = yield* LocalProcess.find(place)
  if (Option.isSome(running) && Option.isSome(before) && before.value.revision === spec.revision) {
    onStarted(running.value)
    return yield* untilReady(place, running.value, before.value, program)
  }
  if (Option.isSome(running)) yield* LocalProcess.stop(place, program.stopWithin)
  const ports = Option.toArray(before).flatMap(({ httpPort, grpcPort }) => [httpPort, grpcPort])
  const [httpPort = 0, grpcPort = 0] = yield* portsFor(ports, 2)
  const address = { httpPort, grpcPort, revision: spec.revision }
  yield* LocalFile.attempt(() => mkdirSync(LocalProcess.directoryOf(place), { recursive: true, mode: 0o700 }))
  yield* LocalFile.write(addressOf(folder), address)
  const started = yield* LocalProcess.start({
    ...place,
    args: [...nodeArguments, program.main],
    env: {
      ...spec.variables,
      ...Record.map(spec.secrets, Redacted.value),
      HTTP_PORT: String(httpPort),
      SERVER_PORT: String(grpcPort),
      LISTEN_HOST: "127.0.0.1",
      ...rates,
      ...Option.match(program.compileCache, { onNone: () => ({}), onSome: (path) => ({ NODE_COMPILE_CACHE: path }) }),
    },
  })
  onStarted(started)
  yield* untilReady(place, started, address, program)
})

/** Stops it; its addresses stay, for the next one. */
export const stop = (folder: string, program: InstanceProgram): Effect.Effect<void, ClusterFailed> =>
  LocalProcess.stop(placeOf(folder), program.stopWithin)

/** Stops it, and forgets it. */
export const remove = Effect.fnUntraced(function* (folder: string, program: InstanceProgram) {
  yield* stop(folder, program)
  yield* LocalFile.remove(LocalProcess.directoryOf(placeOf(folder)))
  yield* LocalFile.remove(addressOf(folder))
})

/** One that does not even answer is stopped, so that the next attempt begins with another. */
const untilReady = (
  place: LocalProcess.Place,
  identity: ProcessIdentity,
  address: Address,
  { readyWithin, stopWithin }: InstanceProgram,
) =>
  LocalProcess.readyWhen(place, identity, isReady(address), readyWithin).pipe(
    Effect.tapError(() =>
      Effect.flatMap(isOk(`http://127.0.0.1:${address.grpcPort}/health`), (answers) =>
        answers ? Effect.void : LocalProcess.stop(place, stopWithin),
      ),
    ),
  )
