import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type { PlatformError } from "effect/PlatformError"

/**
 * Makes the folder with `build` unless it is there. Built beside its place and moved there whole: of several processes
 * that build at the same time one wins, and the others take what it made. Nothing half built is ever seen, even after a
 * crash.
 */
export const built = Effect.fnUntraced(function* <E, R>(
  folder: string,
  build: (half: string) => Effect.Effect<unknown, E, R>,
): Effect.fn.Return<void, E | PlatformError, R | FileSystem.FileSystem> {
  const files = yield* FileSystem.FileSystem
  if (yield* files.exists(folder)) return
  yield* files.makeDirectory(dirname(folder), { recursive: true })
  yield* Effect.acquireUseRelease(
    files.makeTempDirectory({ directory: dirname(folder), prefix: ".building-" }),
    (half) =>
      files.chmod(half, 0o755).pipe(
        Effect.andThen(build(half)),
        Effect.andThen(files.rename(half, folder)),
        Effect.catchIf(
          () => true,
          (error) => Effect.flatMap(files.exists(folder), (won) => (won ? Effect.void : Effect.fail(error))),
        ),
      ),
    (half) => Effect.ignore(files.remove(half, { recursive: true, force: true })),
  )
})
