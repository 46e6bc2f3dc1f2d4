import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { UserId, UserNotFound } from "../users/User.ts"
import type { ClaimSet } from "./claims.ts"
import { LiveClaims } from "./LiveClaims.ts"

const id = UserId.make("01890a5d-ac96-774b-bcce-b302099a8057")
const claims: ClaimSet = { name: "Ada" }
const away = new DatabaseFailed({ away: true, cause: new Error("away") })
const refused = new DatabaseFailed({ away: false, cause: new Error("refused") })
const unknown = new UserNotFound()
const same = <A>(value: A): A => value

/** The answer, and how often it was asked for, where the database first does these things and then answers. */
const readAfter = (...failures: ReadonlyArray<DatabaseFailed | UserNotFound>) => {
  let reads = 0
  const beneath = Layer.succeed(LiveClaims, {
    read: () =>
      Effect.suspend(() => {
        const failure = failures[reads++]
        return failure === undefined ? Effect.succeed(claims) : Effect.fail(failure)
      }),
  })
  return Effect.flatMap(LiveClaims, ({ read }) => Effect.match(read(id), { onFailure: same, onSuccess: same })).pipe(
    Effect.map((answer) => ({ answer, reads })),
    Effect.provide(Layer.provide(LiveClaims.layerRetried, beneath)),
  )
}

describe("claims from a database that may be away", () => {
  it.live("are read again, twice at most", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* readAfter(), { answer: claims, reads: 1 })
      assert.deepStrictEqual(yield* readAfter(away), { answer: claims, reads: 2 })
      assert.deepStrictEqual(yield* readAfter(away, away), { answer: claims, reads: 3 })
      assert.deepStrictEqual(yield* readAfter(away, away, away), { answer: away, reads: 3 })
    }),
  )

  it.live("are not read again where the database has answered", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* readAfter(unknown), { answer: unknown, reads: 1 })
      assert.deepStrictEqual(yield* readAfter(refused), { answer: refused, reads: 1 })
      assert.deepStrictEqual(yield* readAfter(away, unknown), { answer: unknown, reads: 2 })
      assert.deepStrictEqual(yield* readAfter(away, refused), { answer: refused, reads: 2 })
    }),
  )
})
