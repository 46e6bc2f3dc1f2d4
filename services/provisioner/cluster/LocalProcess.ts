/**
 * A program that outlives whoever started it: it runs detached, writes to a log file of its own, and is remembered in
 * `<folder>/<name>.pid.json`, so that the next one to come adopts it instead of starting a second.
 */
import { spawn } from "node:child_process"
import { closeSync, openSync, readdirSync, readlinkSync, realpathSync } from "node:fs"
import { join } from "node:path"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import {
  forget,
  identify,
  isAlive,
  type ProcessIdentity,
  record,
  recorded,
  stop as stopProcess,
} from "#shared/runtime/ProcessIdentity.ts"
import { tail, tellingLine } from "#shared/servers/LogTail.ts"
import { ClusterFailed } from "./Cluster.ts"

/** Which program of which application. */
export interface Place {
  /** The application's folder. */
  readonly folder: string
  readonly name: "redis" | "identity"
  /** The file that is run: a process in the working directory that runs another is not ours. */
  readonly command: string
}

export interface Start extends Place {
  readonly args: ReadonlyArray<string>
  /** All of it: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>
  /** What the program reads on its standard input. */
  readonly input?: string
}

const recordOf = ({ folder, name }: Place) => join(folder, `${name}.pid.json`)
const logOf = ({ folder, name }: Place) => join(folder, `${name}.log`)
/** The program's working directory, by which it is recognised should its record be lost. */
export const directoryOf = ({ folder, name }: Pick<Place, "folder" | "name">): string => join(folder, name)

/** The process that runs there now, whoever started it. */
export const find = Effect.fnUntraced(function* (
  place: Place,
): Effect.fn.Return<Option.Option<ProcessIdentity>, ClusterFailed> {
  const known = yield* recorded(recordOf(place))
  if (Option.isSome(known) && (yield* isAlive(known.value))) return known
  const stray = yield* findUnrecorded(place)
  if (Option.isSome(stray)) yield* remember(place, stray.value)
  return stray
})

/** Starts the program. It has begun to run when this returns; nothing else is known of it. */
export const start = Effect.fnUntraced(function* (options: Start): Effect.fn.Return<ProcessIdentity, ClusterFailed> {
  const pid = yield* spawned(options)
  const identity = yield* Effect.flatMap(identify(pid), (now) =>
    Option.isSome(now) ? Effect.succeed(now.value) : failure(options, "ended at once"),
  )
  yield* remember(options, identity)
  return identity
})

/** Waits until the check holds, asked every 20 ms; fails when the process ends or the time is over. */
export const readyWhen = <R>(
  place: Place,
  identity: ProcessIdentity,
  check: Effect.Effect<boolean, never, R>,
  within: Duration.Input,
): Effect.Effect<void, ClusterFailed, R> =>
  Effect.gen(function* () {
    if (yield* check) return true
    return (yield* isAlive(identity)) ? false : yield* failure(place, "ended before it was ready")
  }).pipe(
    Effect.repeat({ schedule: Schedule.spaced("20 millis"), until: (ready) => ready }),
    Effect.timeoutOrElse({ duration: within, orElse: () => failure(place, "was not ready in time") }),
    Effect.asVoid,
  )

/** Stops whatever runs there and forgets it: asked first, killed when the time is over. */
export const stop = Effect.fnUntraced(function* (
  place: Place,
  within: Duration.Input,
): Effect.fn.Return<void, ClusterFailed> {
  const running = yield* find(place)
  if (Option.isSome(running)) yield* stopProcess(running.value, { within })
  yield* forget(recordOf(place))
})

const remember = (place: Place, identity: ProcessIdentity) =>
  Effect.mapError(record(recordOf(place), identity), ({ message }) => new ClusterFailed({ reason: message }))

/** The line of the log that tells why goes with it: programs of ours log no secrets. */
const failure = (place: Place, how: string): Effect.Effect<never, ClusterFailed> =>
  Effect.flatMap(tail(logOf(place)), (log) => {
    const why = tellingLine(log)
    return Effect.fail(new ClusterFailed({ reason: `${place.name} ${how}${why === undefined ? "" : `: ${why}`}` }))
  })

const spawned = (options: Start): Effect.Effect<number, ClusterFailed> =>
  Effect.callback((resume) => {
    const log = openSync(logOf(options), "a", 0o600)
    const child = spawn(options.command, options.args, {
      cwd: directoryOf(options),
      env: { ...options.env },
      detached: true,
      stdio: [options.input === undefined ? "ignore" : "pipe", log, log],
    })
    closeSync(log)
    child.once("spawn", () => {
      child.stdin?.on("error", () => undefined)
      child.stdin?.end(options.input)
      child.unref()
      resume(Effect.succeed(child.pid ?? 0))
    })
    child.once("error", ({ message }) =>
      resume(Effect.fail(new ClusterFailed({ reason: `${options.name} could not be run: ${message}` }))),
    )
  })

/**
 * A process that was started, while whoever started it died before it could be remembered: found by what it runs, and
 * where. Only where there is /proc; elsewhere such a process is lost.
 */
const findUnrecorded = (place: Place): Effect.Effect<Option.Option<ProcessIdentity>> =>
  Effect.gen(function* () {
    const directory = yield* Effect.option(Effect.try(() => realpathSync(directoryOf(place))))
    if (Option.isNone(directory)) return Option.none()
    const program = yield* Effect.orElseSucceed(
      Effect.try(() => realpathSync(place.command)),
      () => place.command,
    )
    const links = { cwd: directory.value, exe: program }
    const pids = yield* Effect.orElseSucceed(
      Effect.try(() => readdirSync("/proc").filter((name) => /^\d+$/.test(name))),
      () => [],
    )
    const pid = yield* Effect.findFirst(pids, (candidate) => isLinked(candidate, links))
    return Option.isNone(pid) ? Option.none() : yield* identify(Number(pid.value))
  })

/** False also where it has ended, or belongs to somebody else. */
const isLinked = (pid: string, links: Readonly<Record<string, string>>): Effect.Effect<boolean> =>
  Effect.try(() =>
    Object.entries(links).every(([name, target]) => readlinkSync(`/proc/${pid}/${name}`) === target),
  ).pipe(Effect.orElseSucceed(() => false))
