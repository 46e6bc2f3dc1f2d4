import { expect, layer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { sha256 } from "#shared/crypto/digest.ts"
import { ApplicationId } from "../applications/Application.ts"
import { ApiKeys } from "../keys/ApiKeys.ts"
import { change } from "../testing/TestRowsStore.ts"
import * as TestUseCases from "../testing/TestUseCases.ts"
import { verdictOf } from "./Route.ts"
import { RouteStore } from "./RouteStore.ts"

const verdictOn = Effect.fnUntraced(function* (id: ApplicationId, key: Redacted.Redacted<string>) {
  const routes = yield* RouteStore
  return verdictOf(Option.getOrUndefined(yield* routes.find(id, sha256(Redacted.value(key)))))
})

layer(TestUseCases.layer, { excludeTestServices: true })("the verdict on a key", (it) => {
  it.effect("is valid at its own application, whatever that is doing", () =>
    Effect.gen(function* () {
      const { id, secretKey, publicKey } = yield* TestUseCases.someApplication
      const verdict = yield* verdictOn(id, secretKey)
      expect(verdict).toMatchObject({
        _tag: "Valid",
        application: { id, status: "provisioning", instanceUrl: null, version: 1n, plan: "free" },
        key: { type: "secret", scopes: ["*"] },
      })
      expect(yield* verdictOn(id, publicKey)).toMatchObject({ _tag: "Valid", key: { type: "public", scopes: [] } })
    }),
  )

  it.effect("does not tell a wrong key from another application's", () =>
    Effect.gen(function* () {
      const mine = yield* TestUseCases.someApplication
      const other = yield* TestUseCases.someApplication
      const stranger = yield* verdictOn(mine.id, other.secretKey)
      expect(stranger).toEqual({ _tag: "UnknownKey", version: 1n })
      expect(yield* verdictOn(mine.id, Redacted.make("sk_live_nothing"))).toEqual(stranger)
    }),
  )

  it.effect("is unknown once the key is revoked or its time is over", () =>
    Effect.gen(function* () {
      const keys = yield* ApiKeys
      const { id, owner, secretKey } = yield* TestUseCases.someApplication
      const expiresAt = DateTime.addDuration(yield* DateTime.now, "1 hour")
      const passing = yield* keys.create(owner, id, {
        name: "Passing",
        type: "secret",
        scopes: ["*"],
        allowedOrigins: [],
        expiresAt,
      })
      expect(yield* verdictOn(id, passing.key)).toMatchObject({ _tag: "Valid", key: { expiresAt } })
      yield* change((sql) => sql`UPDATE api_keys SET expires_at = now() WHERE id = ${passing.apiKey.id}`)
      expect(yield* verdictOn(id, passing.key)).toMatchObject({ _tag: "UnknownKey" })
      yield* change((sql) => sql`UPDATE api_keys SET revoked_at = now() WHERE application_id = ${id}`)
      expect(yield* verdictOn(id, secretKey)).toMatchObject({ _tag: "UnknownKey" })
    }),
  )

  it.effect("knows no application that never was, or is gone for good", () =>
    Effect.gen(function* () {
      const { id, secretKey } = yield* TestUseCases.someApplication
      expect(yield* verdictOn(ApplicationId.make("app_never"), secretKey)).toEqual({ _tag: "UnknownApplication" })
      yield* change((sql) => sql`UPDATE applications SET status = 'deleted' WHERE id = ${id}`)
      expect(yield* verdictOn(id, secretKey)).toEqual({ _tag: "UnknownApplication" })
    }),
  )
})
