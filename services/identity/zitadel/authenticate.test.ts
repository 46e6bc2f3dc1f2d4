import { assert, describe, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { meshKey, novaEnvironment, running, zitadelKey } from "../testing/TestIdentity.ts"
import { claims } from "./testing/ClaimsRoute.ts"

const nobody = "01890a5d-ac96-774b-bcce-b302099a8057"

describe("the key of Zitadel", () => {
  layer(running(novaEnvironment), { excludeTestServices: true })("on the claims route", (it) => {
    it.effect("refuses a key that is missing or wrong", () =>
      Effect.gen(function* () {
        for (const key of [
          null,
          "",
          "wrong",
          `${zitadelKey}x`,
          `${zitadelKey},`,
          `${zitadelKey}, ${zitadelKey}`,
          zitadelKey.slice(1),
          meshKey,
        ]) {
          const { status, json } = yield* claims(nobody, key)
          assert.deepStrictEqual(
            [status, json],
            [401, { error: "unauthorized", message: "the internal key is missing or wrong" }],
          )
        }
      }),
    )
  })

  layer(running({ ...novaEnvironment, INTERNAL_API_KEY: "the-old-key, the-new-key" }), { excludeTestServices: true })(
    "while it is rotated",
    (it) => {
      it.effect("is either of two", () =>
        Effect.gen(function* () {
          for (const key of ["the-old-key", "the-new-key"]) {
            assert.strictEqual((yield* claims(nobody, key)).status, 404)
          }
          for (const key of ["the-old-key, the-new-key", ",", ""]) {
            assert.strictEqual((yield* claims(nobody, key)).status, 401)
          }
        }),
      )
    },
  )

  layer(Layer.fresh(running({ ...novaEnvironment, INTERNAL_API_KEY: "" })), { excludeTestServices: true })(
    "while there is none",
    (it) => {
      it.effect.each([null, "", "anything"])("lets nobody in: %s", (key) =>
        Effect.gen(function* () {
          const { status, json } = yield* claims(nobody, key)
          assert.deepStrictEqual([status, json.error], [503, "unauthorized"])
        }),
      )
    },
  )
})
