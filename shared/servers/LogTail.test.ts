import { assert, it } from "@effect/vitest"
import { tellingLine } from "./LogTail.ts"

it("the line that tells why is the last error of a service's log, with the first line of its cause", () => {
  const log = [
    '{"level":"error","message":"an older error"}',
    '{"level":"error","message":"cannot start","cause":"Boom: no disk\\n  at x"}',
    '{"level":"info","message":"stopping"}',
  ].join("\n")
  assert.strictEqual(tellingLine(log), "cannot start: Boom: no disk")
})

it("a sentence that a service writes at its end is found among its other lines", () => {
  const log = '{"level":"info","message":"hello"}\nbilling cannot start: DATABASE_URL is missing.\n\n'
  assert.strictEqual(tellingLine(log), "billing cannot start: DATABASE_URL is missing.")
})

it("errors of PostgreSQL and NATS are told rather than what they say last", () => {
  assert.strictEqual(
    tellingLine("LOG:  starting\nFATAL:  could not open file\nLOG:  database system is shut down"),
    "FATAL:  could not open file",
  )
  assert.strictEqual(tellingLine("[1] [FTL] bad config\n[1] [INF] bye"), "[1] [FTL] bad config")
})

it("a log without errors is told by its last line, an empty one by nothing", () => {
  assert.strictEqual(tellingLine("one\ntwo\n"), "two")
  assert.strictEqual(tellingLine("\n"), undefined)
})
