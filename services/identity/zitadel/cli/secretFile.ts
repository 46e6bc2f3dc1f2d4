import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type { PlatformError } from "effect/PlatformError"
import { NotDone } from "./Settings.ts"

const because = (file: string) => (error: PlatformError) =>
  new NotDone({ message: `${file} cannot be written: ${error.reason._tag}` })

/** Writes a file for our eyes only (mode 600), instead of one that is there, whatever its mode. */
export const writeSecret = Effect.fnUntraced(function* (file: string, text: string) {
  const files = yield* FileSystem.FileSystem
  const half = `${file}.half`
  yield* Effect.gen(function* () {
    yield* files.makeDirectory(dirname(file), { recursive: true })
    yield* files.remove(half, { force: true })
    yield* files.writeFileString(half, text, { flag: "wx", mode: 0o600 })
    yield* files.rename(half, file)
  }).pipe(Effect.mapError(because(file)))
})

/** Makes sure that a secret which is shown only once can be written there: an empty file, and none was before. */
export const reserve = Effect.fnUntraced(function* (file: string) {
  const files = yield* FileSystem.FileSystem
  yield* Effect.mapError(
    files.writeFileString(file, "", { flag: "wx", mode: 0o600 }),
    ({ reason }) =>
      new NotDone({
        message:
          reason._tag === "AlreadyExists"
            ? `${file} is there already; move it away, it may hold a key that is in use`
            : `${file} cannot be written: ${reason._tag}`,
      }),
  )
})

/** Takes a reserved file away if nothing came into it. */
export const release = (file: string): Effect.Effect<void, never, FileSystem.FileSystem> =>
  Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    const { size } = yield* files.stat(file)
    if (Number(size) === 0) yield* files.remove(file)
  }).pipe(Effect.ignore)
