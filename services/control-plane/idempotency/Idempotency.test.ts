import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { change, tablesWith } from "../testing/TestRowsStore.ts"
import * as TestUseCases from "../testing/TestUseCases.ts"
import { Idempotency } from "./Idempotency.ts"

const key = (requestId: string) => ({ caller: "usr_1", method: "Service/Create", requestId })
const bytes = (text: string) => new TextEncoder().encode(text)
const request = bytes("the request")

/** An answer that differs every time that it is made. */
const counting = () => {
  let made = 0
  return Effect.sync(() => {
    made += 1
    return bytes(`answer ${made}`)
  })
}

layer(TestUseCases.layer, { excludeTestServices: true })("a request with an idempotency key", (it) => {
  it.effect("is answered as it was at first, also when both come at once", () =>
    Effect.gen(function* () {
      const { once } = yield* Idempotency
      const answer = counting()
      const again = once(key("same"), request, answer)
      const answers = yield* Effect.all([again, again, again], { concurrency: "unbounded" })
      expect(answers.map((each) => Buffer.from(each).toString())).toEqual(["answer 1", "answer 1", "answer 1"])
    }),
  )

  it.effect("is one of its caller and its rpc alone", () =>
    Effect.gen(function* () {
      const { once } = yield* Idempotency
      const answer = counting()
      yield* once(key("mine"), request, answer)
      const other = yield* once({ ...key("mine"), caller: "usr_2" }, request, answer)
      const elsewhere = yield* once({ ...key("mine"), method: "Service/Other" }, request, answer)
      expect([other, elsewhere]).toEqual([bytes("answer 2"), bytes("answer 3")])
    }),
  )

  it.effect("is refused where another request was made under the key", () =>
    Effect.gen(function* () {
      const { once } = yield* Idempotency
      yield* once(key("reused"), request, counting())
      const other = once(key("reused"), bytes("another request"), counting())
      expect(yield* Effect.flip(other)).toMatchObject({ _tag: "RequestIdReused" })
    }),
  )

  it.effect("that failed leaves no trace, and may be made again", () =>
    Effect.gen(function* () {
      const { once } = yield* Idempotency
      expect(yield* Effect.flip(once(key("failed"), request, Effect.fail("no")))).toBe("no")
      expect(yield* once(key("failed"), request, counting())).toEqual(bytes("answer 1"))
    }),
  )

  it.effect("is a new one a day later", () =>
    Effect.gen(function* () {
      const { once } = yield* Idempotency
      const answer = counting()
      yield* once(key("old"), request, answer)
      yield* change((sql) => sql`UPDATE idempotency SET expires_at = now() - interval '1 second'`)
      expect(yield* once(key("old"), request, answer)).toEqual(bytes("answer 2"))
    }),
  )

  it.effect("leaves no answer that can be read in the database", () =>
    Effect.gen(function* () {
      const { once } = yield* Idempotency
      yield* once(key("secret"), request, Effect.succeed(bytes("a secret that was answered")))
      expect(yield* tablesWith("a secret that was answered")).toEqual([])
    }),
  )
})
