/**
 * Programs out of Debian packages, unpacked into a folder without installing anything, with or without root. apt checks
 * the signature of what it downloads as it always does.
 */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type { PlatformError } from "effect/PlatformError"
import { type CommandFailed, run } from "./Command.ts"
import { inherited } from "./environment.ts"

/** What apt needs to find its tools and the way out. */
const variables = ["PATH", "HOME", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"]
/** dpkg may live where an ordinary user's PATH does not lead. */
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/**
 * Unpacks the packages into `target` (made if need be), and with them what they depend on as far as this machine does not
 * have it. Dependencies that cannot be had are left out: whether the program runs is for the caller to see.
 */
export const unpack = Effect.fnUntraced(function* (
  packages: ReadonlyArray<string>,
  target: string,
): Effect.fn.Return<void, CommandFailed | PlatformError, FileSystem.FileSystem> {
  const files = yield* FileSystem.FileSystem
  const downloads = join(target, ".downloads")
  yield* files.makeDirectory(downloads, { recursive: true })
  const apt = yield* aptFor(packages, downloads, ownApt(target))
  const unpacked = new Set<string>(packages)
  let archives = yield* files.readDirectory(downloads)
  while (archives.length > 0) {
    const wanted = new Set<string>()
    for (const archive of archives) {
      const path = join(downloads, archive)
      yield* tool("dpkg-deb", ["-x", path, target], downloads)
      for (const name of yield* missingDependencies(path)) if (!unpacked.has(name)) wanted.add(name)
      yield* files.remove(path)
    }
    for (const name of wanted) {
      unpacked.add(name)
      yield* Effect.ignore(apt(["download", name]))
    }
    archives = yield* files.readDirectory(downloads)
  }
  yield* files.remove(downloads, { recursive: true })
  yield* files.remove(ownApt(target), { recursive: true, force: true })
})

const ownApt = (target: string) => join(target, ".apt")

type Apt = (args: ReadonlyArray<string>) => Effect.Effect<string, CommandFailed>

/**
 * apt with the machine's own package lists where those do, else with fresh lists in a folder of our own: the machine's
 * may be missing, or older than the archive, and changing them needs root and is not ours to do.
 */
const aptFor = Effect.fnUntraced(function* (
  packages: ReadonlyArray<string>,
  downloads: string,
  own: string,
): Effect.fn.Return<Apt, CommandFailed | PlatformError, FileSystem.FileSystem> {
  const files = yield* FileSystem.FileSystem
  // The user `_apt`, whom root's apt would download as, may not reach our folder.
  const options = ["-q", "-o", "APT::Sandbox::User=root"]
  const withMachineLists: Apt = (args) => tool("apt-get", [...options, ...args], downloads)
  const lists = ["-o", `Dir::State=${own}/state`, "-o", `Dir::Cache=${own}/cache`]
  const status = ["-o", "Dir::State::status=/var/lib/dpkg/status"]
  const withOwnLists: Apt = (args) => tool("apt-get", [...options, ...lists, ...status, ...args], downloads)
  const download = ["download", ...packages]
  return yield* withMachineLists(download).pipe(
    Effect.as(withMachineLists),
    Effect.catch(() =>
      Effect.forEach(["state/lists/partial", "cache/archives/partial"], (folder) =>
        files.makeDirectory(join(own, folder), { recursive: true }),
      ).pipe(
        // One unreachable source of many fails the update, although the lists that matter may be there.
        Effect.andThen(Effect.ignore(withOwnLists(["update"]))),
        Effect.andThen(withOwnLists(download)),
        Effect.as(withOwnLists),
      ),
    ),
  )
})

/** The dependencies named by the archive of which no alternative is installed: the first alternative of each. */
const missingDependencies = Effect.fnUntraced(function* (
  archive: string,
): Effect.fn.Return<Array<string>, CommandFailed> {
  const field = yield* tool("dpkg-deb", ["-f", archive, "Depends"], "/")
  const missing: Array<string> = []
  for (const alternatives of dependencies(field)) {
    const installed = yield* Effect.forEach(alternatives, isInstalled)
    const [first] = alternatives
    if (first !== undefined && !installed.some(Boolean)) missing.push(first)
  }
  return missing
})

/** The alternatives of each dependency by name, as deb-control's Depends field lists them (Debian Policy 7.1). */
export const dependencies = (field: string): ReadonlyArray<ReadonlyArray<string>> =>
  field
    .split(",")
    .map((group) =>
      group
        .split("|")
        .map((name) => name.trim().replace(/[\s(:].*$/s, ""))
        .filter((name) => name !== ""),
    )
    .filter((alternatives) => alternatives.length > 0)

const isInstalled = (name: string): Effect.Effect<boolean> =>
  tool("dpkg-query", ["-s", name], "/").pipe(
    Effect.map((status) => /^Status: \S+ ok installed$/m.test(status)),
    Effect.orElseSucceed(() => false),
  )

const tool = (command: string, args: ReadonlyArray<string>, cwd: string): Effect.Effect<string, CommandFailed> =>
  Effect.flatMap(inherited(variables), (env) =>
    run({
      command,
      args,
      cwd,
      env: {
        ...env,
        PATH: [env["PATH"], systemPath].filter(Boolean).join(":"),
        LC_ALL: "C.UTF-8",
        DEBIAN_FRONTEND: "noninteractive",
      },
      within: "3 minutes",
    }),
  )
