import { assert, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import { rates } from "./Rates.ts"

const given = (variables: Readonly<Record<string, string>>) =>
  Effect.provideService(
    Effect.gen(function* () {
      return yield* rates("CREDENTIAL", "COSTLY")
    }),
    ConfigProvider.ConfigProvider,
    ConfigProvider.fromUnknown(variables),
  )

it.effect("are the usual ones, a minute's calls at once, where nothing is said, and none for another class", () =>
  Effect.gen(function* () {
    const usual = { burst: 60, perMinute: 60 }
    assert.deepStrictEqual(yield* given({}), { CREDENTIAL: usual, COSTLY: usual })
    const { CREDENTIAL } = yield* given({ RATE_LIMIT_CREDENTIAL_PER_MINUTE: "5" })
    assert.deepStrictEqual(CREDENTIAL, { burst: 5, perMinute: 5 })
    const { COSTLY } = yield* given({ RATE_LIMIT_COSTLY_PER_MINUTE: "5", RATE_LIMIT_COSTLY_BURST: "2" })
    assert.deepStrictEqual(COSTLY, { burst: 2, perMinute: 5 })
  }),
)

it.effect.each(["0", "-1", "1.5", "many"])("are never %j", (value) =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(given({ RATE_LIMIT_COSTLY_PER_MINUTE: value }))
    assert.include(String(error.message), "RATE_LIMIT_COSTLY_PER_MINUTE")
  }),
)
