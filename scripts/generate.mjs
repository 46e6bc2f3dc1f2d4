// What is made from the contracts. Without arguments: all of gen/, and openapi.json. With --third-party: only gen/google
// and gen/grpc, made at install because third-party code is not committed. With --check: fails where the committed code is
// not current.
import { execFileSync } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { delimiter, join, relative, resolve } from "node:path"
import { writeProtoDeps } from "./proto-deps.mjs"

const buf = join("node_modules", ".bin", "buf")
const deps = ".proto-deps"
const thirdParty = ["google", "grpc"]
const env = { ...process.env, PATH: `${resolve("node_modules/.bin")}${delimiter}${process.env.PATH}` }
const run = (...args) => execFileSync(buf, args, { stdio: "inherit", env })

function generateThirdParty(out) {
  const template = {
    version: "v2",
    plugins: [
      {
        local: "protoc-gen-es",
        out,
        opt: ["target=ts", "import_extension=ts", "erasable_syntax=true"],
      },
    ],
  }
  const paths = thirdParty.flatMap((folder) => ["--path", join(deps, folder)])
  run("generate", deps, ...paths, "--template", JSON.stringify(template))
}

function generateOwn(out) {
  run("generate", ...(out === "gen" ? [] : ["--output", out]))
}

function check() {
  const fresh = mkdtempSync(join(".tmp", "gen-"))
  try {
    generateOwn(fresh)
    const stale = differences(join(fresh, "gen"), "gen")
    if (stale.length > 0) {
      console.error(`gen/ is not what the contracts say; run \`npm run gen\`:\n  ${stale.join("\n  ")}`)
      process.exit(1)
    }
  } finally {
    rmSync(fresh, { recursive: true })
  }
}

function differences(wanted, committed) {
  const list = (root) =>
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(root, join(entry.parentPath, entry.name)))
      .filter((name) => !thirdParty.some((folder) => name.startsWith(folder)))
  const names = new Set([...list(wanted), ...list(committed)])
  const read = (root, name) => (existsSync(join(root, name)) ? readFileSync(join(root, name), "utf8") : undefined)
  return [...names].filter((name) => read(wanted, name) !== read(committed, name)).sort()
}

writeProtoDeps(deps)
if (process.argv.includes("--third-party")) generateThirdParty("gen")
else if (process.argv.includes("--check")) check()
else {
  generateOwn("gen")
  generateThirdParty("gen")
  execFileSync(process.execPath, ["scripts/openapi.ts"], { stdio: "inherit", env })
}
