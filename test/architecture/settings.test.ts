/** docs/settings.md says of every variable that a program reads, and of no other one. */
import { readdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { describe, expect, it } from "vitest"

const root = resolve(import.meta.dirname, "../..")
const [common = "", ...sections] = readFileSync(join(root, "docs/settings.md"), "utf8").split(/^## (?=[a-z])/m)

const documented = (text: string): ReadonlySet<string> =>
  new Set([...text.matchAll(/^\|(.*?)\|/gm)].flatMap(([row]) => row.match(/[A-Z][A-Z0-9_]{3,}/g) ?? []))

/** Names of rate classes, and a level. */
const noVariables = new Set(["DEFAULT", "CREDENTIAL", "COSTLY"])

/** The names in a file that reads configuration. Without an underscore they are names only where nothing else is read. */
const namesIn = (path: string): ReadonlyArray<string> => {
  const text = readFileSync(join(root, path), "utf8").replaceAll(/\/\*[\s\S]*?\*\//g, "")
  if (!/from "effect\/Config"/.test(text)) return []
  const names = path.endsWith("Config.ts") ? /"([A-Z][A-Z0-9_]{3,})"/g : /"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"/g
  return [...text.matchAll(names)].flatMap(([, name]) => (name === undefined || noVariables.has(name) ? [] : [name]))
}

const readBy = (folder: string): ReadonlyArray<string> =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !/\.test\.ts$|(^|\/)(testing|fixtures|cli|servers)\//.test(name))
    .flatMap((name) => namesIn(join(folder, name)))

const shared = new Set(readBy("shared"))
const programs = sections.map((text) => [text.slice(0, text.indexOf("\n")), text] as const)

it("there is a section for each program", () => {
  const services = readdirSync(join(root, "services"), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  expect(programs.map(([name]) => name).toSorted()).toEqual(
    services.map(({ name }) => name).filter((name) => name !== "local"),
  )
})

describe.each(programs)("%s", (program, text) => {
  const own = readBy(join("services", program))

  it("is told nothing that its section, or that of all, does not say", () => {
    const said = new Set([...documented(common), ...documented(text)])
    expect(own.filter((name) => !said.has(name))).toEqual([])
  })

  it("reads what its section says", () => {
    // Some are put together from the name of a rate class, and one is named by whoever uses it.
    const composed = /^RATE_LIMIT_|^KEY_IDENTITY_/
    const read = new Set([...own, ...shared])
    expect([...documented(text)].filter((name) => !read.has(name) && !composed.test(name))).toEqual([])
  })
})

it("what the kit reads is said somewhere", () => {
  const said = new Set([common, ...sections].flatMap((text) => [...documented(text)]))
  // Not for people: the stack sets it to fill the compile cache.
  expect([...shared].filter((name) => !said.has(name) && name !== "LOAD_ONLY")).toEqual([])
  const all = [...documented(common)]
  expect(all.filter((name) => !shared.has(name))).toEqual([])
})
