import { fromBinary } from "@bufbuild/protobuf"
import { expect, layer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { KeysChangedSchema } from "#gen/authsome/control/v1/events_pb.ts"
import { sha256 } from "#shared/crypto/digest.ts"
import { change, eventsOf, tablesWith } from "../testing/TestRowsStore.ts"
import * as TestUseCases from "../testing/TestUseCases.ts"
import { ApiKeyId, type KeyDraft, maxKeys } from "./ApiKey.ts"
import { ApiKeyStore } from "./ApiKeyStore.ts"
import { ApiKeys } from "./ApiKeys.ts"

const draft: KeyDraft = { name: "Server", type: "secret", scopes: ["users:read"], allowedOrigins: [], expiresAt: null }
const firstPage = { page: 1, pageSize: 20 }

layer(TestUseCases.layer, { excludeTestServices: true })("a key", (it) => {
  it.effect("is shown whole once and masked ever after, and the proxies are told of it", () =>
    Effect.gen(function* () {
      const keys = yield* ApiKeys
      const { id, owner } = yield* TestUseCases.someApplication
      const { apiKey, key } = yield* keys.create(owner, id, draft)
      const text = Redacted.value(key)
      expect(apiKey).toMatchObject({ createdBy: owner, scopes: ["users:read"], lastUsedAt: null })
      expect(apiKey.masked).toBe(`sk_live_${id.slice(4)}_…${text.slice(-4)}`)
      expect(yield* tablesWith(text)).toEqual([])
      const event = (yield* eventsOf(id)).at(-1)
      const changed = fromBinary(KeysChangedSchema, event?.payload ?? new Uint8Array())
      expect(event?.subject).toBe("keys.changed")
      expect(changed.version).toBe(2n)
      expect(changed.keyDigests.map((digest) => Buffer.from(digest).equals(sha256(text)))).toEqual([true])
    }),
  )

  it.effect("is revoked for good, once, and the proxies are told of it", () =>
    Effect.gen(function* () {
      const keys = yield* ApiKeys
      const { id } = yield* TestUseCases.someApplication
      const { data } = yield* keys.list(id, firstPage)
      const [newest] = data
      yield* keys.revoke(id, newest?.id ?? ApiKeyId.make(""))
      yield* keys.revoke(id, newest?.id ?? ApiKeyId.make(""))
      expect((yield* eventsOf(id)).map(({ subject }) => subject)).toEqual(["app.provision", "keys.changed"])
      const left = yield* keys.list(id, firstPage)
      expect([data.length, left.total, left.data.length]).toEqual([2, 1, 1])
    }),
  )

  it.effect("of another application is not there", () =>
    Effect.gen(function* () {
      const keys = yield* ApiKeys
      const mine = yield* TestUseCases.someApplication
      const others = yield* TestUseCases.someApplication
      const { data } = yield* keys.list(others.id, firstPage)
      const stolen = keys.revoke(mine.id, data[0]?.id ?? ApiKeyId.make(""))
      expect(yield* Effect.flip(stolen)).toMatchObject({ _tag: "ApiKeyNotFound" })
      expect((yield* keys.list(others.id, firstPage)).total).toBe(2)
    }),
  )

  it.effect("is not made for an application that is going, nor beyond the limit", () =>
    Effect.gen(function* () {
      const keys = yield* ApiKeys
      const { id, owner } = yield* TestUseCases.someApplication
      yield* change(
        (sql) => sql`
          INSERT INTO api_keys (id, application_id, name, type, digest, masked, scopes, allowed_origins)
          SELECT 'key_' || n, ${id}, 'k', 'secret', sha256(convert_to(${id} || n, 'UTF8')), '', '{}', '{}'
          FROM generate_series(3, ${maxKeys}) AS n`,
      )
      expect(yield* Effect.flip(keys.create(owner, id, draft))).toMatchObject({ _tag: "KeyLimitReached" })
      yield* change((sql) => sql`UPDATE applications SET status = 'deleting' WHERE id = ${id}`)
      expect(yield* Effect.flip(keys.create(owner, id, draft))).toMatchObject({ _tag: "ApplicationStatusConflict" })
    }),
  )

  it.effect("remembers the latest time of its use, whatever the order of the reports", () =>
    Effect.gen(function* () {
      const store = yield* ApiKeyStore
      const keys = yield* ApiKeys
      const { id } = yield* TestUseCases.someApplication
      const [first, second] = (yield* keys.list(id, firstPage)).data
      const at = (minute: number) => DateTime.makeUnsafe(Date.UTC(2026, 0, 1, 0, minute))
      const use = (keyId = "key_gone", minute: number) => ({ keyId, lastUsedAt: at(minute) })
      yield* store.noteUses([use(first?.id, 5), use(second?.id, 1), use(first?.id, 3), use("key_gone", 9)])
      yield* store.noteUses([use(first?.id, 4)])
      const { data } = yield* keys.list(id, firstPage)
      expect(data.map(({ lastUsedAt }) => lastUsedAt)).toEqual([at(5), at(1)])
    }),
  )
})
