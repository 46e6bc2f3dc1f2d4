/** The data folder of a PostgreSQL server: made once, and freed of what a killed server left in it. */
import { closeSync, constants, existsSync, openSync, readFileSync, readlinkSync, realpathSync } from "node:fs"
import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type { PlatformError } from "effect/PlatformError"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { identify, stop } from "#shared/runtime/ProcessIdentity.ts"
import { built } from "./buildOnce.ts"
import { type CommandFailed, run } from "./Command.ts"
import type { PostgresBinaries } from "./PostgresBinaries.ts"

/** A folder or file as the server may name it, and the descriptors it must be given for that. */
interface Lent {
  readonly path: (index: number) => string
  readonly descriptors: ReadonlyArray<number>
}

/**
 * Names files so that an unprivileged server finds them wherever they are: the checkout may lie below folders that are
 * closed to it, but an open descriptor that it inherits leads past them, as proc(5) says of /proc/[pid]/fd. Elsewhere
 * than on Linux, and where we are that user ourselves, these are just the paths.
 */
export const lent = (
  binaries: PostgresBinaries,
  ...paths: ReadonlyArray<string>
): Effect.Effect<Lent, never, Scope.Scope> => {
  if (binaries.user === undefined || process.platform !== "linux") {
    return Effect.succeed({ path: (index) => paths[index] ?? "", descriptors: [] })
  }
  return Effect.acquireRelease(
    Effect.sync(() => paths.map((path) => openSync(path, constants.O_RDONLY))),
    (descriptors) => Effect.sync(() => descriptors.forEach((descriptor) => void closeSync(descriptor))),
  ).pipe(Effect.map((descriptors) => ({ path: (index) => `/proc/self/fd/${3 + index}`, descriptors })))
}

/**
 * Makes the data folder unless it is there: UTF-8 with the rules of C.UTF-8 built into PostgreSQL (the same on every
 * machine), the superuser `postgres` with that password, and passwords (SCRAM) for everybody. `sync` waits for the disk.
 */
export const initialised = (
  binaries: PostgresBinaries,
  data: string,
  options: { readonly password: Redacted.Redacted<string>; readonly sync: boolean },
): Effect.Effect<void, CommandFailed | PlatformError, FileSystem.FileSystem> =>
  built(data, (half) =>
    Effect.scoped(
      Effect.gen(function* () {
        const files = yield* FileSystem.FileSystem
        const passwordFile = yield* files.makeTempFileScoped({ directory: dirname(data), prefix: ".password-" })
        yield* files.chmod(passwordFile, 0o600)
        yield* files.writeFileString(passwordFile, `${Redacted.value(options.password)}\n`)
        const { user } = binaries
        if (user !== undefined) {
          yield* Effect.forEach([half, passwordFile], (path) => files.chown(path, user.uid, user.gid))
        }
        const { path, descriptors } = yield* lent(binaries, half, passwordFile)
        yield* run({
          command: binaries.initdb,
          args: [
            ...["--pgdata", path(0), "--pwfile", path(1), "--username", "postgres", "--auth", "scram-sha-256"],
            ...["--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"],
            ...["--no-instructions", ...(options.sync ? [] : ["--no-sync"])],
          ],
          env: { LC_ALL: "C", TZ: "UTC" },
          cwd: "/",
          user,
          descriptors,
        })
      }),
    ),
  )

/**
 * Makes room for a server: stops one that still runs on the folder, and removes the lock file that a killed one left, for
 * PostgreSQL itself takes any living process with the remembered number for its predecessor.
 */
export const cleared = Effect.fnUntraced(function* (
  data: string,
): Effect.fn.Return<void, PlatformError, FileSystem.FileSystem> {
  const lock = join(data, "postmaster.pid")
  if (process.platform !== "linux" || !existsSync(lock)) return
  const files = yield* FileSystem.FileSystem
  const pid = Number.parseInt(readFileSync(lock, "utf8"), 10)
  const identity = yield* identify(pid)
  // A server stands in its data folder, a stranger with its number does not.
  const stands = yield* Effect.try(() => readlinkSync(`/proc/${pid}/cwd`) === realpathSync(data)).pipe(
    Effect.orElseSucceed(() => false),
  )
  if (Option.isSome(identity) && stands) yield* stop(identity.value, { signal: "SIGINT" })
  yield* files.remove(lock, { force: true })
})

/** Whether the server on the folder accepts connections: its lock file says so in line 8, as for pg_ctl. */
export const accepts = (data: string, pid: number): Effect.Effect<boolean> =>
  Effect.try(() => readFileSync(join(data, "postmaster.pid"), "utf8").split("\n")).pipe(
    Effect.map((lines) => lines[0]?.trim() === String(pid) && lines[7]?.trim() === "ready"),
    Effect.orElseSucceed(() => false),
  )
