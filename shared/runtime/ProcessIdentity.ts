/**
 * Which process it was, not only which number it had: numbers come again, above all in a container after a restart, and
 * a program that signals a remembered bare pid one day kills a stranger.
 */
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { dirname } from "node:path"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"

/**
 * `startTime` is opaque and only ever compared: field 22 of `/proc/<pid>/stat` (clock ticks since boot, see proc(5)), and
 * where there is no /proc what `ps -o lstart=` prints.
 */
export class ProcessIdentity extends Schema.Class<ProcessIdentity>("shared/runtime/ProcessIdentity")({
  pid: Schema.Int.check(Schema.isGreaterThan(0)),
  startTime: Schema.NonEmptyString,
}) {}

/** The identity could not be kept in its file. */
export class IdentityNotRecorded extends Schema.TaggedError<IdentityNotRecorded>()("IdentityNotRecorded", {
  file: Schema.String,
  reason: Schema.String,
}) {
  override get message(): string {
    return `${this.file} cannot be written: ${this.reason}`
  }
}

const Recorded = Schema.fromJsonString(ProcessIdentity)
const pollEvery = Schedule.spaced("20 millis")

/** Who runs under that number now; none where nobody does, or only a zombie that nobody has buried. */
export const identify = (pid: number): Effect.Effect<Option.Option<ProcessIdentity>> => {
  if (!Number.isSafeInteger(pid) || pid <= 0) return Effect.succeed(Option.none())
  return Effect.map(process.platform === "linux" ? fromProc(pid) : fromPs(pid), (startTime) =>
    Option.map(startTime, (value) => new ProcessIdentity({ pid, startTime: value })),
  )
}

/** Whether that very process still runs. */
export const isAlive = (identity: ProcessIdentity): Effect.Effect<boolean> =>
  Effect.map(identify(identity.pid), (now) => Option.isSome(now) && now.value.startTime === identity.startTime)

/** Signals that very process; false where it is gone. Never signals another that took its number. */
export const signal = (identity: ProcessIdentity, name: NodeJS.Signals): Effect.Effect<boolean> =>
  Effect.flatMap(isAlive(identity), (alive) =>
    alive
      ? Effect.try(() => process.kill(identity.pid, name)).pipe(Effect.orElseSucceed(() => false))
      : Effect.succeed(false),
  )

/** Asks the process to stop, waits that long for it, then kills it. Returns when it is gone. */
export const stop = (
  identity: ProcessIdentity,
  options: { readonly signal?: NodeJS.Signals; readonly within?: Duration.Input } = {},
): Effect.Effect<void> =>
  signal(identity, options.signal ?? "SIGTERM").pipe(
    Effect.andThen(gone(identity)),
    Effect.timeoutOrElse({
      duration: options.within ?? "10 seconds",
      orElse: () => Effect.andThen(signal(identity, "SIGKILL"), gone(identity)),
    }),
  )

/** Remembers the process in a file that is there whole or not at all. */
export const record = (file: string, identity: ProcessIdentity): Effect.Effect<void, IdentityNotRecorded> =>
  Effect.tryPromise({
    try: async () => {
      const half = `${file}.${process.pid}.half`
      await mkdir(dirname(file), { recursive: true })
      await writeFile(half, JSON.stringify({ pid: identity.pid, startTime: identity.startTime }))
      await rename(half, file)
    },
    catch: (cause) => new IdentityNotRecorded({ file, reason: String(cause) }),
  })

/** The process that a file remembers; none where there is no file, or none that makes sense. */
export const recorded = (file: string): Effect.Effect<Option.Option<ProcessIdentity>> =>
  Effect.tryPromise(() => readFile(file, "utf8")).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Recorded)),
    Effect.option,
  )

/** Forgets what the file remembered. */
export const forget = (file: string): Effect.Effect<void> =>
  Effect.ignore(Effect.tryPromise(() => rm(file, { force: true })))

/** Stops the process that the file remembers, if it still runs, and forgets it. */
export const stopRecorded = (file: string, options: Parameters<typeof stop>[1] = {}): Effect.Effect<void> =>
  Effect.flatMap(recorded(file), (identity) =>
    Effect.andThen(Option.isSome(identity) ? stop(identity.value, options) : Effect.void, forget(file)),
  )

const gone = (identity: ProcessIdentity) =>
  isAlive(identity).pipe(Effect.repeat({ schedule: pollEvery, while: (alive) => alive }), Effect.asVoid)

/** The command in parentheses may hold blanks and parentheses itself, so fields are counted from the last one. */
const fromProc = (pid: number): Effect.Effect<Option.Option<string>> =>
  Effect.try(() => readFileSync(`/proc/${pid}/stat`, "latin1")).pipe(
    Effect.map((stat) => stat.slice(stat.lastIndexOf(")") + 2).split(" ")),
    Effect.map((fields) =>
      fields[0] === "Z" || fields[0] === "X" ? Option.none() : Option.fromUndefinedOr(fields[19]),
    ),
    Effect.orElseSucceed(() => Option.none()),
  )

const fromPs = (pid: number): Effect.Effect<Option.Option<string>> =>
  Effect.callback((resume) => {
    execFile("ps", ["-o", "lstart=", "-p", String(pid)], (error, stdout) =>
      resume(Effect.succeed(error || stdout.trim() === "" ? Option.none() : Option.some(stdout.trim()))),
    )
  })
