import { spawn } from "node:child_process"
import { join } from "node:path"
import { expect, it } from "vitest"

/** Runs the program to its end. */
const bench = (...args: ReadonlyArray<string>) =>
  new Promise<{ readonly code: number | null; readonly out: string; readonly error: string }>((resolve) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, "main.ts"), ...args])
    const said = { out: "", error: "" }
    child.stdout.on("data", (text) => {
      said.out += text
    })
    child.stderr.on("data", (text) => {
      said.error += text
    })
    child.on("close", (code) => resolve({ code, ...said }))
  })

it("says what there is", async () => {
  const { code, out } = await bench("--help")
  expect(code).toBe(0)
  expect(out).toMatch(/Usage: npm run bench -- NAME/)
  for (const name of ["hop", "rest", "claims", "login", "proxy"]) expect(out).toMatch(new RegExp(`^ {2}${name} `, "m"))
})

it("answers a name that is none, and none at all, with what there is", async () => {
  const unknown = await bench("everything")
  expect([unknown.code, unknown.out]).toEqual([2, ""])
  expect(unknown.error).toMatch(/^There is no bench "everything"\.\n\nUsage:/)
  const none = await bench()
  expect([none.code, none.error.startsWith("Usage:")]).toEqual([2, true])
})
