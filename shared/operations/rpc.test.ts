import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { DeadLetterService } from "#gen/authsome/mesh/v1/dead_letter_pb.ts"
import { EventBacklogService } from "#gen/authsome/mesh/v1/event_backlog_pb.ts"
import * as Channel from "../rpc/client/Channel.ts"
import * as Client from "../rpc/client/Client.ts"
import { Listening } from "../rpc/Server.ts"
import { databaseAway } from "../testing/databaseAway.ts"
import { buried, publish, reaches } from "../testing/EventMesh.ts"
import { EventProgram, ProgramJob, ProgramState, programKey } from "../testing/EventProgram.ts"

const channel = Effect.fnUntraced(function* (peer: string) {
  const { grpcPort } = yield* Listening
  return yield* Channel.make({ url: new URL(`http://127.0.0.1:${grpcPort}`), peer, internalKey: programKey })
})

const letters = Effect.map(channel("operator"), (to) => Client.make(DeadLetterService, to))

/** A dead letter of the program, by its id. */
const given = Effect.fnUntraced(function* (...ids: ReadonlyArray<string>) {
  const state = yield* ProgramState
  state.mended = false
  yield* Effect.forEach(ids, (id) => publish(ProgramJob, id, id))
  yield* buried(ids.length)
})

/** Nothing is left for the next test. */
const mendedAfter = Effect.gen(function* () {
  const state = yield* ProgramState
  state.mended = true
  yield* (yield* letters).replayDeadLetters({})
})

layer(EventProgram, { excludeTestServices: true })("operators", (it) => {
  it.effect("find dead letters page by page, and one with its message", () =>
    Effect.gen(function* () {
      const client = yield* letters
      yield* given("evt_1", "evt_2", "evt_3")
      const first = yield* client.listDeadLetters({ pageSize: 2 })
      const second = yield* client.listDeadLetters({ pageSize: 2, pageToken: first.nextPageToken })
      const ids = [first, second].map((page) => page.deadLetters.map(({ messageId }) => messageId))
      assert.deepStrictEqual(ids, [["evt_3", "evt_2"], ["evt_1"]])
      assert.strictEqual(second.nextPageToken, "")
      const { deadLetter } = yield* client.getDeadLetter({ consumer: "tester", messageId: "evt_1" })
      assert.deepInclude(deadLetter, {
        ...{ consumer: "tester", messageId: "evt_1", subject: "work.job", reason: "it is broken,\nfor now" },
        ...{ deliveries: 1, sizeBytes: 7, json: '"evt_1"' },
      })
      assert.isDefined(deadLetter?.failedAt)
      assert.strictEqual(first.deadLetters[0]?.payload.length, 0)
      const none = yield* client.listDeadLetters({ consumer: "nobody" })
      assert.deepStrictEqual(none.deadLetters, [])
      const error = yield* Effect.flip(client.listDeadLetters({ pageToken: "bm9uc2Vuc2U" }))
      assert.strictEqual(error._tag, "InvalidRequest")
    }).pipe(Effect.ensuring(Effect.orDie(mendedAfter))),
  )

  it.effect("replay one or many, and dismiss", () =>
    Effect.gen(function* () {
      const client = yield* letters
      const state = yield* ProgramState
      yield* given("evt_4", "evt_5", "evt_6")
      state.mended = true
      state.seen.length = 0
      yield* client.dismissDeadLetter({ consumer: "tester", messageId: "evt_5" })
      yield* client.replayDeadLetter({ consumer: "tester", messageId: "evt_6" })
      const { replayed, left } = yield* client.replayDeadLetters({ subject: "work.job" })
      assert.deepStrictEqual({ replayed, left }, { replayed: 1, left: 0 })
      yield* reaches(state.seen, 2)
      assert.deepStrictEqual(state.seen, ["evt_6", "evt_4"])
      const key = { consumer: "tester", messageId: "evt_5" }
      const refusals = [
        yield* Effect.flip(client.replayDeadLetter(key)),
        yield* Effect.flip(client.dismissDeadLetter(key)),
        yield* Effect.flip(client.getDeadLetter(key)),
      ]
      assert.deepStrictEqual(
        refusals.map(({ _tag }) => _tag),
        ["NotFound", "NotFound", "NotFound"],
      )
    }),
  )

  it.effect("see the backlog", () =>
    Effect.gen(function* () {
      const client = Client.make(EventBacklogService, yield* channel("dashboard"))
      const { outbox, consumers } = yield* client.getEventBacklog({})
      assert.strictEqual(outbox?.waiting, 0)
      assert.deepInclude(consumers[0], { consumer: "tester", stream: "WORK", subject: "work.job" })
      assert.isDefined(consumers[0]?.lag)
    }),
  )

  it.effect("alone may change anything", () =>
    Effect.gen(function* () {
      const stranger = Client.make(DeadLetterService, yield* channel("billing"))
      const key = { consumer: "tester", messageId: "evt_1" }
      const refusals = [
        yield* Effect.flip(stranger.replayDeadLetter(key)),
        yield* Effect.flip(stranger.dismissDeadLetter(key)),
        yield* Effect.flip(stranger.replayDeadLetters({})),
      ]
      assert.deepStrictEqual(
        refusals.map(({ _tag }) => _tag),
        ["PermissionDenied", "PermissionDenied", "PermissionDenied"],
      )
      yield* stranger.listDeadLetters({})
    }),
  )

  it.effect("are told when the database is away", () =>
    Effect.gen(function* () {
      const client = yield* letters
      const error = yield* databaseAway(Effect.flip(client.listDeadLetters({})))
      assert.strictEqual(error._tag, "Unavailable")
    }),
  )
})
