/**
 * A long-running program as a scoped resource: it writes to a log file, is remembered in a file by number and start, and
 * is stopped when its scope closes: asked first, killed when its time is over.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { closeSync, mkdirSync, openSync, statSync } from "node:fs"
import { dirname } from "node:path"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { forget, identify, ProcessIdentity, record } from "#shared/runtime/ProcessIdentity.ts"
import type { User } from "./Command.ts"
import { tail, tellingLine } from "./LogTail.ts"
import { orServerFailed, ServerFailed } from "./ServerFailed.ts"

export interface Launch {
  /** How sentences call it: "PostgreSQL", "proxy". */
  readonly server: string
  readonly command: string
  readonly args: ReadonlyArray<string>
  /** All of it: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** The file that gets standard output and error, at its end. */
  readonly log: string
  /** The file that remembers the process while it runs. */
  readonly record: string
  readonly user?: User | undefined
  /** Open files that the program finds as descriptors 3 and up. */
  readonly descriptors?: ReadonlyArray<number>
  /** What asks it to stop; SIGTERM unless said. */
  readonly stopSignal?: NodeJS.Signals
  /** How long it may take to stop; 10 seconds unless said. */
  readonly stopWithin?: Duration.Input
}

/** How a process ended: one of the two is not null. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface ServerProcess {
  readonly server: string
  readonly pid: number
  readonly log: string
  /** Waits until it has ended, for whatever reason. */
  readonly ended: Effect.Effect<Ended>
  /** Sends a signal; nothing happens where it has ended. */
  readonly signal: (name: NodeJS.Signals) => Effect.Effect<void>
  /** The failure to report when it ended although nobody asked: with code or signal and the line of its log that tells why. */
  readonly failure: (ended: Ended) => Effect.Effect<ServerFailed>
}

/** Children that must not outlive this process, even where it ends without closing its scopes. */
const living = new Map<ChildProcess, NodeJS.Signals>()
process.once("exit", () => {
  for (const [child, stopSignal] of living) child.kill(stopSignal)
})

/** Starts the program in a process group of its own, so that a Ctrl-C in the terminal reaches only who orders the stop. */
export const launch = (options: Launch): Effect.Effect<ServerProcess, ServerFailed, Scope.Scope> =>
  Effect.acquireRelease(spawned(options), ({ child, server }) =>
    stopped(child, server, options).pipe(Effect.andThen(forget(options.record))),
  ).pipe(Effect.map(({ server }) => server))

/** Waits until `check` holds (asked every 20 ms); fails as soon as the process ends, or when the time is over. */
export const readyWhen = <R>(
  server: ServerProcess,
  check: Effect.Effect<boolean, never, R>,
  within: Duration.Input = "30 seconds",
): Effect.Effect<void, ServerFailed, R> => {
  const ready = Effect.repeat(check, { schedule: Schedule.spaced("20 millis"), until: (holds) => holds })
  const ended = Effect.flatMap(server.ended, (end) => Effect.flip(server.failure(end)))
  const late = () =>
    new ServerFailed({
      server: server.server,
      reason: `was not ready within ${Duration.format(Duration.fromInputUnsafe(within))}`,
      log: server.log,
    })
  return Effect.raceFirst(Effect.asVoid(ready), Effect.andThen(ended, Effect.void)).pipe(
    Effect.timeoutOrElse({ duration: within, orElse: () => Effect.fail(late()) }),
  )
}

interface Spawned {
  readonly child: ChildProcess
  readonly server: ServerProcess
}

const spawned = Effect.fnUntraced(function* (options: Launch): Effect.fn.Return<Spawned, ServerFailed> {
  const ended = yield* Deferred.make<Ended>()
  const offset = yield* Effect.try(() => statSync(options.log).size).pipe(Effect.orElseSucceed(() => 0))
  const child = yield* started(options, ended)
  const pid = child.pid ?? 0
  // A process that has already ended has no start time any more; what watches `ended` will report it.
  const identity = Option.getOrElse(yield* identify(pid), () => new ProcessIdentity({ pid, startTime: "ended" }))
  yield* orServerFailed(options.server, "be remembered")(record(options.record, identity))
  const server: ServerProcess = {
    server: options.server,
    pid,
    log: options.log,
    ended: Deferred.await(ended),
    signal: (name) => Effect.sync(() => void child.kill(name)),
    failure: ({ code, signal }) =>
      Effect.map(tail(options.log, offset), (log) => {
        const how = signal === null ? `ended with code ${code}` : `was ended by ${signal}`
        // Who is killed has no time to say why.
        const why = signal === "SIGKILL" ? undefined : tellingLine(log)
        return new ServerFailed({
          server: options.server,
          reason: why === undefined ? how : `${how}: ${why}`,
          log: options.log,
        })
      }),
  }
  return { child, server }
})

const started = (options: Launch, ended: Deferred.Deferred<Ended>): Effect.Effect<ChildProcess, ServerFailed> =>
  Effect.callback((resume) => {
    mkdirSync(dirname(options.log), { recursive: true })
    const log = openSync(options.log, "a", 0o600)
    const child = spawn(options.command, options.args, {
      cwd: options.cwd,
      env: { ...options.env },
      ...options.user,
      detached: true,
      stdio: ["ignore", log, log, ...(options.descriptors ?? [])],
    })
    closeSync(log)
    child.once("spawn", () => {
      living.set(child, options.stopSignal ?? "SIGTERM")
      resume(Effect.succeed(child))
    })
    child.once("error", (error) =>
      resume(Effect.fail(new ServerFailed({ server: options.server, reason: `could not be run: ${error.message}` }))),
    )
    child.once("exit", (code, signal) => {
      living.delete(child)
      Deferred.doneUnsafe(ended, Effect.succeed({ code, signal }))
    })
  })

/** The whole group is killed in the end, so that what the program started itself does not stay behind. */
const stopped = (child: ChildProcess, server: ServerProcess, options: Launch): Effect.Effect<void> =>
  server.signal(options.stopSignal ?? "SIGTERM").pipe(
    Effect.andThen(server.ended),
    Effect.timeoutOrElse({
      duration: options.stopWithin ?? "10 seconds",
      orElse: () =>
        Effect.try(() => process.kill(-server.pid, "SIGKILL")).pipe(
          Effect.orElseSucceed(() => child.kill("SIGKILL")),
          Effect.andThen(server.ended),
        ),
    }),
    Effect.asVoid,
  )
