/**
 * The programs redis-server and nats-server: those on PATH, else those of Debian's packages, unpacked once into a folder
 * that all runs on this machine share.
 */
import { delimiter, join } from "node:path"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type { PlatformError } from "effect/PlatformError"
import * as Schema from "effect/Schema"
import { built } from "./buildOnce.ts"
import { run } from "./Command.ts"
import { unpack } from "./DebianPackages.ts"
import { inherited } from "./environment.ts"
import { Notices } from "./Notices.ts"

/** A program that can be run here. */
export interface Binary {
  readonly command: string
  /** What the program needs in its environment to find its libraries. */
  readonly env: Readonly<Record<string, string>>
  readonly version: string
}

/** The program is neither on PATH nor to be had from Debian. */
export class BinaryMissing extends Schema.TaggedError<BinaryMissing>()("BinaryMissing", {
  program: Schema.String,
  install: Schema.String,
  reason: Schema.String,
}) {
  override get message(): string {
    return `${this.program} is not on PATH and could not be fetched as a Debian package (${this.reason}); install ${this.install}`
  }
}

interface Wanted {
  readonly program: string
  readonly packages: ReadonlyArray<string>
  readonly install: string
}

/** redis-server, wherever it comes from; `tools` is the folder for what has to be unpacked. */
export const redisServer = (tools: string) =>
  find({ program: "redis-server", packages: ["redis-server", "redis-tools"], install: "Redis 7 or newer" }, tools)

/** nats-server with JetStream, wherever it comes from; `tools` is the folder for what has to be unpacked. */
export const natsServer = (tools: string) =>
  find({ program: "nats-server", packages: ["nats-server"], install: "nats-server 2.9 or newer" }, tools)

const find = Effect.fnUntraced(function* (
  wanted: Wanted,
  tools: string,
): Effect.fn.Return<Binary, BinaryMissing, FileSystem.FileSystem> {
  const onPath = yield* Effect.option(fromPath(wanted))
  if (onPath._tag === "Some") return onPath.value
  const folder = join(tools, wanted.program)
  const notice = yield* Notices
  const fetched = (half: string) =>
    notice(`${wanted.program} is not installed; fetching Debian's package of it …`).pipe(
      Effect.andThen(unpack(wanted.packages, half)),
      Effect.andThen(fromPackages(wanted, half)),
    )
  return yield* built(folder, fetched).pipe(
    Effect.andThen(fromPackages(wanted, folder)),
    Effect.mapError(
      (error) =>
        new BinaryMissing({ program: wanted.program, install: wanted.install, reason: firstLine(error.message) }),
    ),
  )
})

const fromPath = Effect.fnUntraced(function* (wanted: Wanted) {
  const files = yield* FileSystem.FileSystem
  const { PATH = "" } = yield* inherited(["PATH"])
  const folders = [...PATH.split(delimiter).filter((folder) => folder !== ""), "/usr/local/sbin", "/usr/sbin"]
  const candidates = folders.map((folder) => join(folder, wanted.program))
  const command = yield* Effect.findFirst(candidates, (path) => Effect.orElseSucceed(files.exists(path), () => false))
  return yield* Effect.flatMap(Effect.fromOption(command), (path) => binary(path, {}))
})

const fromPackages = Effect.fnUntraced(function* (wanted: Wanted, folder: string) {
  const files = yield* FileSystem.FileSystem
  const roots = ["usr/bin", "usr/sbin"].map((path) => join(folder, path, wanted.program))
  const command = yield* Effect.findFirst(roots, (path) => files.exists(path))
  const libraries = yield* libraryFolders(folder)
  const env: Record<string, string> = libraries.length === 0 ? {} : { LD_LIBRARY_PATH: libraries.join(":") }
  return yield* Effect.flatMap(Effect.fromOption(command), (path) => binary(path, env))
})

/** `lib` and `usr/lib` of the folder, and their folders by architecture, such as `usr/lib/x86_64-linux-gnu`. */
const libraryFolders = Effect.fnUntraced(function* (
  folder: string,
): Effect.fn.Return<Array<string>, PlatformError, FileSystem.FileSystem> {
  const files = yield* FileSystem.FileSystem
  const found: Array<string> = []
  for (const root of [join(folder, "lib"), join(folder, "usr/lib")]) {
    if (!(yield* files.exists(root))) continue
    const triplets = (yield* files.readDirectory(root)).filter((name) => name.includes("-linux-"))
    found.push(...triplets.map((name) => join(root, name)), root)
  }
  return found
})

/** Runs the program for its version: the proof that it and its libraries are there. */
const binary = (command: string, env: Readonly<Record<string, string>>) =>
  run({ command, args: ["--version"], env, within: "10 seconds" }).pipe(
    Effect.map((output): Binary => ({ command, env, version: /v?=?(\d+\.\d+\.\d+)/.exec(output)?.[1] ?? "unknown" })),
  )

const firstLine = (text: string): string =>
  text
    .split("\n")
    .find((line) => line.trim() !== "")
    ?.trim() ?? ""
