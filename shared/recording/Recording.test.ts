import { create, type MessageInitShape } from "@bufbuild/protobuf"
import * as PgClient from "@effect/sql-pg/PgClient"
import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import { KeyService, KeyType } from "#gen/authsome/control/v1/key_pb.ts"
import { Sealer } from "../crypto/Sealer.ts"
import { job } from "../events/fixtures/testEvents.ts"
import { Outbox } from "../events/Outbox.ts"
import { Call, Caller, type CallerIdentity } from "../rpc/Caller.ts"
import { changed, unchanged } from "../rpc/Change.ts"
import { policyOf } from "../rpc/Policy.ts"
import { NotFound, type PublicError } from "../rpc/PublicError.ts"
import { type RecordedCall, Recorder, type Steps } from "../rpc/Recorder.ts"
import { eventually } from "../testing/eventually.ts"
import { TestDatabase } from "../testing/TestDatabase.ts"
import { AuditLog } from "./AuditLog.ts"
import * as AuditLogStore from "./AuditLogStore.ts"
import * as Recording from "./Recording.ts"

const sealer = Sealer.layer([{ id: "test", key: Redacted.make(new Uint8Array(32).fill(7)) }])
const surroundings = Layer.provideMerge(Layer.merge(Outbox.layer, sealer), TestDatabase.sql("control"))
const TestRecording = Recording.layer.pipe(Layer.provide(AuditLogStore.layer), Layer.provideMerge(surroundings))

const method = KeyService.method.createKey
const ada: CallerIdentity = { _tag: "User", userId: "usr_ada", sessionId: "ses_1" }
const facts = {
  rpc: "authsome.control.v1.KeyService/CreateKey",
  requestId: "req_abcdefgh",
  remoteAddress: "203.0.113.9",
  certifiedPeer: undefined,
  header: () => undefined,
  setHeader: () => {},
}

/** A call that makes a key under an idempotency key. */
const callOf = (
  idempotencyKey: string,
  changes: { readonly name?: string; readonly caller?: CallerIdentity; readonly method?: RecordedCall["method"] } = {},
): RecordedCall => ({
  method: changes.method ?? method,
  policy: policyOf(changes.method ?? method),
  request: create(method.input, {
    applicationId: "app_1",
    name: changes.name ?? "Importer",
    type: KeyType.SECRET,
    requestId: idempotencyKey,
  }),
  idempotencyKey,
  facts,
  caller: changes.caller ?? ada,
  grant: { container: "ws_1" },
})

const record = (call: RecordedCall, steps: Steps) =>
  Effect.flatMap(Recorder, (recorder) => recorder.record(call, steps)).pipe(
    Effect.provideService(Caller, call.caller),
    Effect.provideService(Call, facts),
  )

const answer = (init: MessageInitShape<typeof method.output>) => create(method.output, init)
const keyIn = (message: object) => Reflect.get(Reflect.get(message, "apiKey") ?? {}, "key")

/** A change of the database, in a transaction of its own, as use cases have them. */
const change = (mark: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.orDie(sql.withTransaction(sql`INSERT INTO inbox (consumer, message_id) VALUES ('test', ${mark})`)),
  )

/** One step that changes something and answers with another secret every time. */
const making = (mark: string) => {
  let made = 0
  return Effect.map(SqlClient.SqlClient, (sql) =>
    Effect.gen(function* () {
      made += 1
      yield* change(`${mark} ${made}`)
      yield* changed({ type: "key", id: `key_${mark}` })
      return answer({ apiKey: { key: `secret of ${mark} ${made}` } })
    }).pipe(Effect.provideService(SqlClient.SqlClient, sql)),
  )
}

/** What is left of everything whose mark begins so: changes, rows of the audit log, kept answers, and events. */
const tracesOf = Effect.fnUntraced(function* (mark: string) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql`
    SELECT (SELECT count(*)::int FROM inbox WHERE starts_with(message_id, ${mark})) AS changes,
      (SELECT count(*)::int FROM audit_events WHERE starts_with(resource_id, ${`key_${mark}`})) AS entries,
      (SELECT count(*)::int FROM idempotency WHERE starts_with(request_id, ${mark})) AS answers,
      (SELECT count(*)::int FROM outbox WHERE starts_with(aggregate, ${mark})) AS events`
  return row
})

const refusal = new NotFound({ reason: "NOT_FOUND", message: "there is none" })

layer(TestRecording, { excludeTestServices: true })("a recorded call", (it) => {
  it.effect("is answered again as it was at first, and changes nothing more", () =>
    Effect.gen(function* () {
      const steps = Effect.succeed(yield* making("again"))
      const answers = yield* Effect.forEach([1, 2, 3], () => record(callOf("again"), steps))
      expect(answers.map(keyIn)).toEqual(Array(3).fill("secret of again 1"))
      expect(yield* tracesOf("again")).toEqual({ changes: 1, entries: 1, answers: 1, events: 0 })
    }),
  )

  it.effect("is one of its caller and its rpc alone", () =>
    Effect.gen(function* () {
      const steps = Effect.succeed(yield* making("mine"))
      const calls = [
        callOf("mine"),
        callOf("mine", { caller: { ...ada, userId: "usr_grace" } }),
        callOf("mine", { caller: { _tag: "Peer", name: "usr_ada" } }),
        callOf("mine", { method: KeyService.method.deleteKey }),
      ]
      const answers = yield* Effect.forEach(calls, (call) => record(call, steps))
      expect(answers.map(keyIn)).toEqual([1, 2, 3, 4].map((time) => `secret of mine ${time}`))
    }),
  )

  it.effect.each(["a\u0000b", "\\", '"quoted"', "clé 🔑", "\ud800", "x".repeat(255)])("may have the key %j", (key) =>
    Effect.gen(function* () {
      const mark = `any ${Buffer.from(key).toString("hex").slice(0, 16)}`
      const steps = Effect.succeed(yield* making(mark))
      const answers = yield* Effect.forEach([key, key, `${key}.`], (each) => record(callOf(each), steps))
      expect(answers.map(keyIn)).toEqual([1, 1, 2].map((time) => `secret of ${mark} ${time}`))
    }),
  )

  it.effect("is refused where another request was made under the key", () =>
    Effect.gen(function* () {
      const steps = Effect.succeed(yield* making("reused"))
      yield* record(callOf("reused"), steps)
      const refused = yield* Effect.flip(record(callOf("reused", { name: "Exporter" }), steps))
      expect(refused).toMatchObject({ _tag: "FailedPrecondition", reason: "REQUEST_ID_REUSED" })
      expect(yield* tracesOf("reused")).toMatchObject({ changes: 1 })
    }),
  )

  it.effect("is told to come back while the first one runs, and then answered like it", () =>
    Effect.gen(function* () {
      const [begun, go] = [Latch.makeUnsafe(), Latch.makeUnsafe()]
      const step = yield* making("twins")
      const held = Effect.andThen(Latch.open(begun), Effect.andThen(Latch.await(go), step))
      const first = yield* Effect.forkChild(record(callOf("twins"), Effect.succeed(held)))
      yield* Latch.await(begun)
      const early = yield* Effect.flip(record(callOf("twins"), Effect.succeed(step)))
      expect(early).toMatchObject({ _tag: "Aborted", reason: "REQUEST_IN_PROGRESS", retryAfterMs: 1000 })
      yield* Latch.open(go)
      const answers = [yield* Fiber.join(first), yield* record(callOf("twins"), Effect.succeed(step))]
      expect(answers.map(keyIn)).toEqual(["secret of twins 1", "secret of twins 1"])
      expect(yield* tracesOf("twins")).toEqual({ changes: 1, entries: 1, answers: 1, events: 0 })
    }),
  )

  it.effect("looks again when it has the key: another one may have been answered meanwhile", () =>
    Effect.gen(function* () {
      const step = yield* making("late")
      const recorder = yield* Recorder
      const meanwhile = Effect.provideService(record(callOf("late"), Effect.succeed(step)), Recorder, recorder)
      const prepared = Effect.as(meanwhile, step)
      expect(keyIn(yield* record(callOf("late"), prepared))).toBe("secret of late 1")
      expect(yield* tracesOf("late")).toMatchObject({ changes: 1, entries: 1 })
    }),
  )

  it.effect("that is refused, dies or is interrupted leaves no trace, and may be made again", () =>
    Effect.gen(function* () {
      const outbox = yield* Outbox
      const step = yield* making("failed")
      const said = Effect.andThen(step, outbox.append(job("RECORDED"), { value: "x" }, { aggregate: "failed" }))
      const ends: ReadonlyArray<Effect.Effect<never, PublicError>> = [
        Effect.fail(refusal),
        Effect.die(new Error("a defect")),
        Effect.interrupt,
      ]
      for (const end of ends) yield* Effect.exit(record(callOf("failed"), Effect.succeed(Effect.andThen(said, end))))
      expect(yield* tracesOf("failed")).toEqual({ changes: 0, entries: 0, answers: 0, events: 0 })
      expect(keyIn(yield* record(callOf("failed"), Effect.succeed(step)))).toBe("secret of failed 4")
    }),
  )

  it.effect("is a new one a day later", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const steps = Effect.succeed(yield* making("old"))
      yield* record(callOf("old"), steps)
      yield* sql`UPDATE idempotency SET expires_at = now() - interval '1 second' WHERE request_id = 'old'`
      expect(keyIn(yield* record(callOf("old"), steps))).toBe("secret of old 2")
      expect(keyIn(yield* record(callOf("old"), steps))).toBe("secret of old 2")
    }),
  )

  it.effect("leaves neither request nor answer in the database that anybody could read, or try guesses on", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const steps = Effect.succeed(yield* making("sealed"))
      yield* record(callOf("sealed"), steps)
      yield* record(callOf("sealed twin"), steps)
      const rows = yield* sql<{ readonly requestDigest: Uint8Array; readonly response: Uint8Array }>`
        SELECT request_digest, response FROM idempotency WHERE starts_with(request_id, 'sealed')`
      const [one = "", two = ""] = rows.map(({ requestDigest }) => Buffer.from(requestDigest).toString())
      expect(one).toMatch(/^v1\.test\./)
      expect(one).not.toBe(two)
      const kept = rows.map(({ response }) => Buffer.from(response).toString()).join()
      for (const form of ["utf8", "base64", "hex"] as const) {
        expect(kept).not.toContain(Buffer.from("secret of sealed 1").toString(form))
      }
    }),
  )

  it.effect("is refused, not run again, where what was kept cannot be opened any more", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const steps = Effect.succeed(yield* making("lost"))
      yield* record(callOf("lost"), steps)
      yield* sql`UPDATE idempotency SET request_digest = 'nonsense'::bytea WHERE request_id = 'lost'`
      expect(yield* Effect.flip(record(callOf("lost"), steps))).toMatchObject({ reason: "REQUEST_ID_REUSED" })
      expect(yield* tracesOf("lost")).toMatchObject({ changes: 1 })
    }),
  )

  it.effect("has its first step before the transaction, and its second one in it", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const inTransaction = Effect.map(Effect.serviceOption(sql.transactionService), ({ _tag }) => _tag === "Some")
      const seen: Array<boolean> = []
      const look = Effect.map(inTransaction, (inside) => void seen.push(inside))
      const step = Effect.andThen(look, yield* making("steps"))
      yield* record(callOf("steps"), Effect.as(look, step))
      expect(seen).toEqual([false, true])
    }),
  )

  it.effect("publishes the events of its use case with the commit, and wakes the relay then", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const outbox = yield* Outbox
      const woken = yield* sql.listen("outbox")
      const appended = sql.withTransaction(outbox.append(job("RECORDED"), { value: "x" }, { aggregate: "event" }))
      const [begun, go] = [Latch.makeUnsafe(), Latch.makeUnsafe()]
      const held = Effect.andThen(Latch.open(begun), Latch.await(go))
      const step = Effect.andThen(Effect.orDie(appended), Effect.andThen(held, yield* making("event")))
      const running = yield* Effect.forkChild(record(callOf("event"), Effect.succeed(step)))
      yield* Latch.await(begun)
      expect(yield* Queue.size(woken)).toBe(0)
      expect(yield* tracesOf("event")).toMatchObject({ changes: 0, events: 0 })
      yield* Latch.open(go)
      yield* Fiber.join(running)
      yield* Queue.take(woken)
      expect(yield* tracesOf("event")).toEqual({ changes: 1, entries: 1, answers: 1, events: 1 })
    }).pipe(Effect.scoped),
  )

  it.effect("has no row in the audit log where it changed nothing", () =>
    Effect.gen(function* () {
      const step = Effect.tap(yield* making("same"), () => unchanged)
      yield* record(callOf(""), Effect.succeed(step))
      expect(yield* tracesOf("same")).toMatchObject({ entries: 0 })
    }),
  )

  it.effect("is held in the audit log by ids and names alone", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* record(callOf("", { name: "key of ada@example.com" }), Effect.succeed(yield* making("told")))
      const [row] = yield* sql`SELECT * FROM audit_events WHERE resource_id = 'key_told'`
      expect(row).toEqual({
        id: expect.stringMatching(/^aud_[a-z2-7]{26}$/),
        occurredAt: expect.any(Date),
        action: "key.created",
        rpc: "authsome.control.v1.KeyService/CreateKey",
        actorKind: "user",
        actorId: "usr_ada",
        containerId: "ws_1",
        resourceType: "key",
        resourceId: "key_told",
        details: { fields: ["name", "type"], applicationId: "app_1" },
        requestId: "req_abcdefgh",
        remoteAddress: "203.0.113.9",
      })
    }),
  )

  it.effect("stops itself where its log cannot be written: no change without its row", () =>
    Effect.gen(function* () {
      const broken = Layer.succeed(AuditLog, { append: () => Effect.die(new Error("the log is full")) })
      const step = yield* making("unlogged")
      const exit = yield* record(callOf("unlogged"), Effect.succeed(step)).pipe(
        Effect.provide(Layer.fresh(Layer.provide(Recording.layer, broken))),
        Effect.exit,
      )
      expect(exit._tag).toBe("Failure")
      expect(yield* tracesOf("unlogged")).toEqual({ changes: 0, entries: 0, answers: 0, events: 0 })
    }),
  )

  it.effect("dies, and changes nothing, where neither contract nor handler say what it changed", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const silent = Effect.provideService(Effect.as(change("untold"), answer({})), SqlClient.SqlClient, sql)
      const call = callOf("")
      const scopeless = { ...call, policy: { ...call.policy, scope: "" } }
      expect((yield* Effect.exit(record(scopeless, Effect.succeed(silent))))._tag).toBe("Failure")
      expect(yield* tracesOf("untold")).toMatchObject({ changes: 0 })
    }),
  )

  it.effect("keeps one connection for as long as its second step, and gives it back", () =>
    Effect.gen(function* () {
      const step = yield* making("crowd")
      const calls = Array.from({ length: 40 }, (_, index) => record(callOf(`crowd ${index}`), Effect.succeed(step)))
      yield* Effect.all(calls, { concurrency: "unbounded" })
      yield* eventually(
        Effect.filterOrFail(tracesOf("crowd"), (traces) => traces?.["changes"] === 40 && traces["answers"] === 40),
      )
    }),
  )
})
