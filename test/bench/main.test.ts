import { join } from "node:path"
import { expect, it } from "vitest"
import { runProgram } from "#shared/testing/runProgram.ts"

const bench = (...args: ReadonlyArray<string>) => runProgram(join(import.meta.dirname, "main.ts"), args)

it("says what there is", async () => {
  const { code, output } = await bench("--help")
  expect(code).toBe(0)
  expect(output).toMatch(/Usage: npm run bench -- NAME/)
  for (const name of ["hop", "rest", "claims", "login", "proxy"])
    expect(output).toMatch(new RegExp(`^ {2}${name} `, "m"))
})

it("answers a name that is none, and none at all, with what there is", async () => {
  const unknown = await bench("everything")
  expect([unknown.code, unknown.output]).toEqual([2, ""])
  expect(unknown.errors).toMatch(/^There is no bench "everything"\.\n\nUsage:/)
  const none = await bench()
  expect([none.code, none.errors.startsWith("Usage:")]).toEqual([2, true])
})
