import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type { PlatformError } from "effect/PlatformError"

/** Writes a file for our eyes only (mode 600) that readers see as it was or as it will be, never in between. */
export const writeWhole = Effect.fnUntraced(function* (
  file: string,
  text: string,
): Effect.fn.Return<void, PlatformError, FileSystem.FileSystem> {
  const files = yield* FileSystem.FileSystem
  const half = `${file}.half`
  yield* files.makeDirectory(dirname(file), { recursive: true })
  yield* files.remove(half, { force: true })
  yield* files.writeFileString(half, text, { mode: 0o600 })
  yield* files.rename(half, file)
})
