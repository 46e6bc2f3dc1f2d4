// Everything that must hold before a change is good: runs all steps, tells each with its time, and shows what the failing
// ones said. Ends with 1 if any failed.
import { spawnSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { delimiter, join, resolve } from "node:path"

const env = { ...process.env, PATH: `${resolve("node_modules/.bin")}${delimiter}${process.env.PATH}` }
const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ["npm"]
const vitestReport = join(".tmp", "vitest.json")

const steps = [
  { name: "format and lint", run: () => command("biome", "ci", "--colors=off", ".") },
  { name: "types", run: () => command("tsc", "-p", ".", "--pretty", "false") },
  { name: "contracts: lint", run: () => command("buf", "lint", "proto") },
  { name: "contracts: nothing broken since main", run: breaking },
  { name: "generated code is current", run: () => command(process.execPath, "scripts/generate.mjs", "--check") },
  { name: "openapi.json is current", run: () => command(process.execPath, "scripts/openapi.ts", "--check") },
  { name: "tests", run: tests },
]

mkdirSync(".tmp", { recursive: true })
const failed = steps.filter((step) => !told(step)).map(({ name }) => name)
console.log(failed.length === 0 ? "\nAll is well." : `\nFailed: ${failed.join(", ")}.`)
process.exit(failed.length === 0 ? 0 : 1)

/** Runs the step; a string as its outcome is a reason why there was nothing to do. */
function told({ name, run }) {
  const begin = performance.now()
  const outcome = run()
  const time = `${((performance.now() - begin) / 1000).toFixed(1)} s`
  if (typeof outcome === "string") console.log(`- ${name}: ${outcome}`)
  else console.log(`${outcome.ok ? "✓" : "✗"} ${name} (${time})`)
  if (!outcome.ok && outcome.output) console.log(outcome.output.trimEnd().replace(/^/gm, "    "))
  return typeof outcome === "string" || outcome.ok
}

function command(program, ...args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { env, encoding: "utf8", maxBuffer: 2 ** 28 })
  return { ok: status === 0, output: error ? error.message : `${stdout}${stderr}` }
}

/** The contracts of main beside the third-party ones of now: buf needs both, and only ours are in the repository. */
function breaking() {
  const main = ["origin/main", "main"].find((ref) => command("git", "rev-parse", "--verify", `${ref}^{commit}`).ok)
  if (main === undefined) return { ok: false, output: "there is no branch main to compare with" }
  if (command("git", "ls-tree", "-d", main, "proto").output.trim() === "")
    return `nothing to compare: ${main} has no proto/ yet`
  const against = mkdtempSync(join(".tmp", "against-"))
  try {
    const archive = join(against, "main.tar")
    for (const step of [
      ["git", "archive", "--output", archive, main, "proto", "buf.yaml"],
      ["tar", "-xf", archive, "-C", against],
    ]) {
      const done = command(...step)
      if (!done.ok) return done
    }
    cpSync(".proto-deps", join(against, ".proto-deps"), { recursive: true })
    return command("buf", "breaking", "--against", against)
  } finally {
    rmSync(against, { recursive: true })
  }
}

/** As anybody would run them; the report is for programs that want the counts. */
function tests() {
  rmSync(vitestReport, { force: true })
  const report = ["--reporter=default", "--reporter=json", `--outputFile.json=${vitestReport}`]
  const [program, ...args] = [...npm, "test", "--", ...report]
  return { ok: spawnSync(program, args, { env, stdio: "inherit" }).status === 0 }
}
