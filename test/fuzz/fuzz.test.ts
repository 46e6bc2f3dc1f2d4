import { join } from "node:path"
import { expect, it } from "vitest"
import { runProgram } from "#shared/testing/runProgram.ts"
import { protocols } from "./Case.ts"
import { describeFound, fuzz } from "./run.ts"

it("answers 3000 mutated requests over every protocol, stays well, and keeps nothing of them", async () => {
  const seed = 1
  const { found, tallies } = await fuzz({ requests: 3000, seed, protocols })
  expect(found === undefined ? "" : describeFound(found, seed)).toBe("")
  for (const [protocol, { sent, ok }] of tallies) {
    expect([protocol, sent]).toEqual([protocol, 600])
    // Mutations that a server always refuses would show little.
    expect(ok).toBeGreaterThan(20)
  }
})

const program = (...args: ReadonlyArray<string>) => runProgram(join(import.meta.dirname, "main.ts"), args)

it("says what it takes, and runs one protocol alone", async () => {
  const help = await program("--help")
  expect([help.code, help.output.startsWith("Usage: npm run fuzz")]).toEqual([0, true])
  const wrong = await program("--protocol", "morse")
  expect([wrong.code, wrong.output]).toEqual([2, ""])
  const short = await program("--requests", "200", "--seed", "7", "--protocol", "rest")
  expect([short.code, short.errors]).toEqual([0, expect.stringMatching(/^(\d+ %\n)+$/)])
  expect(JSON.parse(/^RESULT (.*)$/m.exec(short.output)?.[1] ?? "")).toMatchObject({
    requests: 200,
    seed: 7,
    findings: 0,
  })
})
