/** The import table of docs/architecture.md: what may know of what. */
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { describe, expect, it } from "vitest"

/** Folders of shared/, lowest first: a folder may import from the ones before it. */
const levels = [
  ["ids", "crypto"],
  ["telemetry"],
  ["runtime"],
  ["postgres", "redis", "nats", "mail", "servers"],
  ["events"],
  ["rpc"],
  ["recording"],
  ["operations"],
  ["testing"],
]

interface Import {
  readonly from: string
  readonly to: string
}

const root = resolve(import.meta.dirname, "../..")
const sources = ["gen/authsome", "shared", "services"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(folder, name)),
)
const imports = sources.flatMap(importsOf)

/** What a file imports: a path from the root for our own files, the package's name otherwise. */
function importsOf(from: string): ReadonlyArray<Import> {
  const text = readFileSync(join(root, from), "utf8").replaceAll(/\/\*[\s\S]*?\*\//g, "")
  const specifiers = text.matchAll(
    /(?:^|\n)(?:import|export)\s[^"'`;]*?from\s+"([^"]+)"|import\(\s*"([^"]+)"\s*\)|(?:^|\n)import\s+"([^"]+)"/g,
  )
  return [...specifiers].map(([, ...groups]) => {
    const specifier = groups.find((group) => group !== undefined) ?? ""
    if (specifier.startsWith(".")) return { from, to: relative(root, resolve(root, dirname(from), specifier)) }
    return { from, to: specifier.replace(/^#local\//, "services/local/").replace(/^#/, "") }
  })
}

const isOurs = ({ to }: Import) => /^(gen|shared|services|test)\//.test(to)
/** Tests, and what only they use. */
const isTest = ({ from }: Import) => /\.test\.ts$|\/fixtures\//.test(from)
const folderOf = (path: string, depth: number) => path.split("/")[depth] ?? ""
const levelOf = (path: string) => levels.findIndex((folders) => folders.includes(folderOf(path, 1)))
const show = (wrong: ReadonlyArray<Import>) => wrong.map(({ from, to }) => `${from} imports ${to}`)
const basename = (path: string) => path.split("/").at(-1) ?? ""

describe("what may know of what", () => {
  it("sees the imports at all", () => {
    expect(imports.length).toBeGreaterThan(200)
    expect(sources.length).toBeGreaterThan(50)
  })

  it("gen/ imports protobuf packages only", () => {
    const wrong = imports.filter(({ from, to }) => from.startsWith("gen/") && !/^(@bufbuild\/|gen\/)/.test(to))
    expect(show(wrong)).toEqual([])
  })

  it("shared/ knows no service and no contract but the mesh's and the field's own", () => {
    const allowed = /^(shared\/|gen\/(authsome\/mesh|google|grpc)\/)/
    const wrong = imports.filter(
      (each) => each.from.startsWith("shared/") && isOurs(each) && !allowed.test(each.to) && !isTest(each),
    )
    expect(show(wrong)).toEqual([])
  })

  it("a folder of shared/ imports lower ones only", () => {
    const inside = imports.filter(({ from, to }) => from.startsWith("shared/") && to.startsWith("shared/"))
    const unknown = inside.filter(({ from }) => levelOf(from) === -1)
    expect(show(unknown)).toEqual([])
    const wrong = inside.filter(
      (each) =>
        !isTest(each) && folderOf(each.from, 1) !== folderOf(each.to, 1) && levelOf(each.to) > levelOf(each.from),
    )
    expect(show(wrong)).toEqual([])
  })

  it("no service imports another", () => {
    const wrong = imports.filter(({ from, to }) => {
      const [a, b] = [folderOf(from, 1), folderOf(to, 1)]
      return from.startsWith("services/") && to.startsWith("services/") && a !== b && to !== "services/pending.ts"
    })
    expect(show(wrong)).toEqual([])
  })

  it("generated code and rpc mechanisms stay at the edge of a service", () => {
    const edge =
      /^(rpc|http|consumer|proto|main|Config|client|authenticate|authorize|events)\.ts$|(Rpc|Client|Feed|Meter)\.ts$/
    const wrong = imports.filter(
      (each) =>
        /^services\/(control-plane|provisioner|identity|billing)\//.test(each.from) &&
        !isTest(each) &&
        !edge.test(basename(each.from)) &&
        (/^shared\/rpc\//.test(each.to) || (/^gen\//.test(each.to) && !/\/events_pb\.ts$/.test(each.to))),
    )
    expect(show(wrong)).toEqual([])
  })

  it("SQL is written in stores only", () => {
    const wrong = sources.filter(
      (path) =>
        path.startsWith("services/") &&
        !path.endsWith(".test.ts") &&
        !/Store\.ts$|\/database\//.test(path) &&
        !path.startsWith("services/local/") &&
        /\bsql`/.test(readFileSync(join(root, path), "utf8")),
    )
    expect(wrong).toEqual([])
  })

  it("wire codes are known to shared/rpc alone", () => {
    const wrong = imports.filter(
      (each) => !isTest(each) && each.to.startsWith("@connectrpc/") && !each.from.startsWith("shared/rpc/"),
    )
    expect(show(wrong)).toEqual([])
  })

  it("the environment is read in Config.ts only", () => {
    const owners = /^(shared\/(runtime|servers|testing|telemetry)\/|services\/local\/)|\/Config\.ts$/
    const wrong = sources.filter(
      (path) =>
        !owners.test(path) &&
        !path.endsWith(".test.ts") &&
        /process\.env\b/.test(readFileSync(join(root, path), "utf8")),
    )
    expect(wrong).toEqual([])
  })
})
