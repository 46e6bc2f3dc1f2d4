import { spawn } from "node:child_process"
import { join } from "node:path"
import { expect, it } from "vitest"
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

/** Runs the program to its end. */
const program = (...args: ReadonlyArray<string>) =>
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

it("says what it takes, and runs one protocol alone", async () => {
  const help = await program("--help")
  expect([help.code, help.out.startsWith("Usage: npm run fuzz")]).toEqual([0, true])
  const wrong = await program("--protocol", "morse")
  expect([wrong.code, wrong.out]).toEqual([2, ""])
  const short = await program("--requests", "200", "--seed", "7", "--protocol", "rest")
  expect([short.code, short.error]).toEqual([0, expect.stringMatching(/^(\d+ %\n)+$/)])
  expect(JSON.parse(/^RESULT (.*)$/m.exec(short.out)?.[1] ?? "")).toMatchObject({ requests: 200, seed: 7, findings: 0 })
})
