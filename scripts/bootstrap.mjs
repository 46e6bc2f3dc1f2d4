// Runs before every command, under whatever Node the machine has (18 or newer): makes node_modules equal to the lockfile,
// so that everything after it runs on the Node 26 that the lockfile brings.
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readFileSync, writeFileSync } from "node:fs"

const stamp = "node_modules/.bootstrap"
const wanted = createHash("sha256").update(readFileSync("package-lock.json")).digest("hex")
const installed = existsSync(stamp) ? readFileSync(stamp, "utf8") : ""

if (installed !== wanted) {
  console.error(`Installing the locked packages (system Node ${process.version}) …`)
  const npm = process.env.npm_execpath
  const [command, args] = npm ? [process.execPath, [npm]] : ["npm", []]
  const result = spawnSync(command, [...args, "ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    stdio: ["ignore", 2, 2],
    env: withoutLifecycle(process.env),
  })
  if (result.status !== 0) {
    console.error("The packages could not be installed: `npm ci` failed; its output is above.")
    process.exit(result.status ?? 1)
  }
  writeFileSync(stamp, wanted)
}

/** The outer npm describes its own run in the environment; the inner one must not take that for its settings. */
function withoutLifecycle(env) {
  const settings = /^npm_config_(cafile|registry|cache|userconfig|globalconfig)$/i
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => settings.test(name) || !/^npm_(config|lifecycle|package)_/i.test(name)),
  )
}
