import { join } from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { built } from "./buildOnce.ts"

layer(NodeFileSystem.layer, { excludeTestServices: true })("a folder built once", (it) => {
  const parent = Effect.flatMap(FileSystem.FileSystem, (files) => files.makeTempDirectoryScoped())

  it.effect("of many who build it at the same time one wins, and nobody sees half of it", () =>
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const root = yield* parent
      const folder = join(root, "tools", "thing")
      const build = (name: number) =>
        built(folder, (half) =>
          files
            .writeFileString(join(half, "a"), String(name))
            .pipe(
              Effect.andThen(Effect.yieldNow),
              Effect.andThen(files.writeFileString(join(half, "b"), String(name))),
            ),
        )
      yield* Effect.forEach([1, 2, 3, 4, 5], build, { concurrency: "unbounded" })
      assert.strictEqual(yield* files.readFileString(join(folder, "a")), yield* files.readFileString(join(folder, "b")))
      assert.deepStrictEqual(yield* files.readDirectory(join(root, "tools")), ["thing"])
    }),
  )

  it.effect("a build that fails leaves nothing, so that the next one can succeed", () =>
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const root = yield* parent
      const folder = join(root, "thing")
      const failure = yield* Effect.flip(built(folder, () => Effect.fail("no network" as const)))
      assert.strictEqual(failure, "no network")
      assert.deepStrictEqual(yield* files.readDirectory(root), [])
      yield* built(folder, (half) => files.writeFileString(join(half, "a"), "1"))
      assert.isTrue(yield* files.exists(join(folder, "a")))
    }),
  )
})
