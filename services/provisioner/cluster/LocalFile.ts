/** Small JSON files that are there whole or not at all, readable by their owner only. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { ClusterFailed } from "./Cluster.ts"

/** What the file holds; none where there is no file, or something else in it. */
export const read = <A>(schema: Schema.Codec<A, unknown>) => {
  const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(schema))
  return (file: string): Effect.Effect<Option.Option<A>> =>
    Effect.option(
      Effect.flatMap(
        Effect.try(() => readFileSync(file, "utf8")),
        decode,
      ),
    )
}

/** Makes the file, and the folder that it is in. */
export const write = (file: string, content: unknown): Effect.Effect<void, ClusterFailed> =>
  attempt(() => {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    writeFileSync(`${file}.half`, JSON.stringify(content), { mode: 0o600 })
    renameSync(`${file}.half`, file)
  })

/** Removes a file, or a folder with all that is in it; nothing happens where there is none. */
export const remove = (path: string): Effect.Effect<void, ClusterFailed> =>
  attempt(() => rmSync(path, { recursive: true, force: true }))

/** What the file system refuses is told as a failure of the cluster. */
export const attempt = <A>(run: () => A): Effect.Effect<A, ClusterFailed> =>
  Effect.try({
    try: run,
    catch: (cause) => new ClusterFailed({ reason: cause instanceof Error ? cause.message : "unknown" }),
  })
