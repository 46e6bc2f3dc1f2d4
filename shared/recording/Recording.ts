/** Keeps the record of calls in the database that they change: one transaction around the change and its record. */
import { fromBinary, toBinary } from "@bufbuild/protobuf"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { Sealer } from "../crypto/Sealer.ts"
import { type Change, ToldChange } from "../rpc/Change.ts"
import { rpcName } from "../rpc/Policy.ts"
import type { PublicError } from "../rpc/PublicError.ts"
import { type RecordedCall, Recorder } from "../rpc/Recorder.ts"
import { actorOf } from "./Actor.ts"
import { AuditLog } from "./AuditLog.ts"
import { contentOf } from "./contentOf.ts"
import { entryOf } from "./entryOf.ts"
import { FirstAnswers, type KeyedRequest } from "./FirstAnswers.ts"

/** Over the tables `idempotency` and whatever the audit log writes to, all in the database of `SqlClient`. */
export const layer: Layer.Layer<Recorder, never, SqlClient.SqlClient | Sealer | AuditLog> = Layer.effect(
  Recorder,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const answers = yield* FirstAnswers
    const log = yield* AuditLog

    // Refusals pass through as values, so that only the database's own failures become defects.
    const atomically = <A, R>(effect: Effect.Effect<A, PublicError, R>): Effect.Effect<A, PublicError, R> =>
      sql
        .withTransaction(Effect.mapError(effect, (refusal) => ({ refusal })))
        .pipe(Effect.catch((error) => ("refusal" in error ? Effect.fail(error.refusal) : Effect.die(error))))

    const audit = Effect.fnUntraced(function* (call: RecordedCall, told: Change | "nothing" | undefined) {
      if (call.policy.audit === "" || told === "nothing") return
      const entry = entryOf(call, told)
      if (entry === undefined) {
        return yield* Effect.die(
          new Error(`${rpcName(call.method)} does not tell what it changed, nor that nothing was`),
        )
      }
      yield* Effect.orDie(log.append(entry))
    })

    const firstAnswer = (call: RecordedCall, request: KeyedRequest | undefined) =>
      request === undefined
        ? Effect.succeedNone
        : Effect.map(
            answers.find(request),
            Option.map((bytes) => fromBinary(call.method.output, bytes)),
          )

    return Recorder.of({
      record: Effect.fnUntraced(function* (call, steps) {
        const request = keyedRequest(call)
        const known = yield* firstAnswer(call, request)
        if (Option.isSome(known)) return known.value
        const note: typeof ToldChange.Service = { told: undefined }
        const step = yield* Effect.provideService(steps, ToldChange, note)
        return yield* atomically(
          Effect.gen(function* () {
            if (request !== undefined) yield* answers.claim(request)
            const first = yield* firstAnswer(call, request)
            if (Option.isSome(first)) return first.value
            const answer = yield* Effect.provideService(step, ToldChange, note)
            if (request !== undefined) yield* answers.keep(request, toBinary(call.method.output, answer))
            yield* audit(call, note.told)
            return answer
          }),
        )
      }),
    })
  }),
).pipe(Layer.provide(FirstAnswers.layer))

const keyedRequest = ({ method, request, idempotencyKey, caller }: RecordedCall): KeyedRequest | undefined => {
  if (idempotencyKey === "") return undefined
  const { kind, id } = actorOf(caller)
  // Escaped as in JSON: a PostgreSQL text has no place for NUL, and every other one stays as it is.
  const requestId = JSON.stringify(idempotencyKey).slice(1, -1)
  return {
    key: { caller: `${kind}/${id}`, rpc: rpcName(method), requestId },
    content: contentOf(request),
  }
}
