import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { Listening } from "#shared/rpc/Server.ts"
import { buried, publish, reaches } from "#shared/testing/EventMesh.ts"
import { EventProgram, ProgramJob, ProgramState, programKey } from "#shared/testing/EventProgram.ts"
import { type Ended, runProgram } from "#shared/testing/runProgram.ts"

/** Runs the command as a shell would. */
const command = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}): Effect.Effect<Ended> =>
  Effect.promise((signal) =>
    runProgram(join(import.meta.dirname, "main.ts"), args, {
      env: { NO_COLOR: "1", ...env },
      cwd: import.meta.dirname,
      signal,
    }),
  )

const key = { INTERNAL_GRPC_API_KEY: Redacted.value(programKey) }

/** The command against the program of the test, whose dead letters those two are. */
const events = Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
  const { grpcPort } = yield* Listening
  return yield* command([...args, "--url", `http://127.0.0.1:${grpcPort}`, "--service", "billing"], key)
})

/** A table, cell by cell. */
const cells = (table: string): ReadonlyArray<ReadonlyArray<string>> =>
  table
    .trimEnd()
    .split("\n")
    .map((row) => row.split(/ {2,}/))

const given = Effect.fnUntraced(function* (...ids: ReadonlyArray<string>) {
  const state = yield* ProgramState
  state.mended = false
  yield* Effect.forEach(ids, (id) => publish(ProgramJob, `the text of ${id}`, id))
  yield* buried(ids.length)
  state.mended = true
  state.seen.length = 0
  return state.seen
})

layer(EventProgram, { excludeTestServices: true })("npm run events", (it) => {
  it.effect("lists, shows, replays and dismisses", () =>
    Effect.gen(function* () {
      const seen = yield* given("evt_1", "evt_2", "evt_3")

      const list = yield* events("list")
      assert.strictEqual(list.code, 0)
      const [head, newest, ...others] = cells(list.output)
      assert.deepStrictEqual(head, [
        ...["SERVICE", "CONSUMER", "MESSAGE", "SUBJECT", "TRIES", "GIVEN UP (UTC)", "REASON"],
      ])
      assert.deepStrictEqual(newest?.toSpliced(5, 1), [
        ...["billing", "tester", "evt_3", "work.job", "1", "it is broken,…"],
      ])
      assert.match(newest?.[5] ?? "", /^\d{4}-\d\d-\d\d [\d:]{8}$/)
      assert.strictEqual(others.length, 2)

      const json = JSON.parse((yield* events("list", "--json", "--consumer", "tester")).output)
      assert.deepInclude(json[2], { service: "billing" })
      assert.deepInclude(json[2].deadLetter, { messageId: "evt_1", reason: "it is broken,\nfor now", deliveries: 1 })

      const show = yield* events("show", "evt_2")
      assert.include(show.output, 'it is broken,\nfor now\n\n"the text of evt_2"\n')

      const dismissed = yield* events("dismiss", "evt_2")
      assert.deepStrictEqual([dismissed.code, dismissed.output], [0, "Dismissed 1 event.\n"])
      assert.deepStrictEqual((yield* events("replay", "evt_3", "--json")).output, '{\n  "done": 1,\n  "left": 0\n}\n')
      assert.strictEqual((yield* events("replay", "--all", "--subject", "work.job")).output, "Replayed 1 event.\n")
      yield* reaches(seen, 2)
      assert.deepStrictEqual(seen, ["the text of evt_3", "the text of evt_1"])
      assert.strictEqual((yield* events("list")).output, "There are no dead letters.\n")
    }),
  )

  it.effect("shows how far behind everything is", () =>
    Effect.gen(function* () {
      yield* given("evt_4")
      const { code, output } = yield* events("lag")
      assert.strictEqual(code, 0)
      assert.deepStrictEqual(cells(output), [
        ["SERVICE", "CONSUMER", "SUBJECT", "WAITING", "IN WORK", "RETRIED", "OLDEST", "DEAD"],
        ["billing", "(outbox)", "-", "0", "-", "-", "-", "-"],
        ["billing", "tester", "work.job", "0", "0", "0", "-", "1"],
      ])
      const json = JSON.parse((yield* events("lag", "--json")).output)
      assert.deepStrictEqual(json[0].backlog.deadLetters, [{ consumer: "tester", count: 1 }])
      assert.strictEqual((yield* events("dismiss", "--all")).output, "Dismissed 1 event.\n")
    }),
  )

  it.effect("says in one sentence what cannot be done, and exits with 1", () =>
    Effect.gen(function* () {
      const { grpcPort } = yield* Listening
      const billing = (port: number) => ["--url", `http://127.0.0.1:${port}`, "--service", "billing"]
      const failures = [
        ["✗ there is no dead letter evt_none\n", events("show", "evt_none")],
        ["✗ no stack runs in", command(["list"], { STACK_DIR: "/nowhere" })],
        ["✗ billing: UNAVAILABLE: ", command(["lag", ...billing(1)], key)],
        ["✗ billing: UNAUTHENTICATED: ", command(["list", ...billing(grpcPort), "--key", "a wrong key"])],
        ["✗ --url needs --key", command(["list", ...billing(1)])],
      ] as const
      for (const [sentence, run] of failures) {
        const { code, output, errors } = yield* run
        assert.deepStrictEqual([code, output], [1, ""], sentence)
        assert.include(errors, sentence)
        assert.notInclude(errors, Redacted.value(programKey))
      }
    }),
  )

  it.effect("helps, with 0 where it is asked to and with 2 where it is called wrongly", () =>
    Effect.gen(function* () {
      const help = yield* command(["--help"])
      assert.strictEqual(help.code, 0)
      for (const name of ["list", "show", "replay", "dismiss", "lag", "--service", "--json"]) {
        assert.include(help.output, name)
      }
      for (const wrong of [[], ["frob"], ["show"], ["replay"], ["dismiss", "--all", "evt_1"]]) {
        assert.strictEqual((yield* command(wrong)).code, 2, wrong.join(" "))
      }
    }),
  )
})
