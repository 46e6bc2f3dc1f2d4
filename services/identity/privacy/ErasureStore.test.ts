import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import { newUuid } from "#shared/ids/Id.ts"
import { TestDatabase } from "#shared/testing/TestDatabase.ts"
import { UserId } from "../users/User.ts"
import { ErasureStore } from "./ErasureStore.ts"

layer(Layer.provideMerge(ErasureStore.layer, TestDatabase.sql("identity")), { excludeTestServices: true })(
  "what is written of people after their erasure",
  (it) => {
    it.effect("is found, and is gone when it was deleted", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const store = yield* ErasureStore
        const [erased, present] = [UserId.make(yield* newUuid), UserId.make(yield* newUuid)]
        yield* sql`INSERT INTO users (id, deleted_at, erased_at) VALUES (${erased}::uuid, now(), now())`
        yield* sql`INSERT INTO users (id, username, email) VALUES (${present}::uuid, 'ada', 'ada@example.com')`
        const event = (id: string) => sql`
          INSERT INTO security_audit_log (id, action, user_id, ip_address)
          VALUES (gen_random_uuid(), 'user.password_reset_requested', ${id}::uuid, '203.0.113.9')`
        const mail = (id: string) => sql`
          INSERT INTO mails (id, kind, user_id, sealed, expires_at)
          VALUES (gen_random_uuid(), 'passwordReset', ${id}::uuid, 'sealed', now() + interval '1 hour')`
        const token = (id: string) => sql`
          INSERT INTO password_reset_tokens (digest, user_id, expires_at)
          VALUES (sha256(${id}::text::bytea), ${id}::uuid, now() + interval '1 hour')`
        for (const write of [event, mail, token]) {
          yield* write(present)
          yield* write(erased)
          assert.deepStrictEqual(yield* store.withLeftovers, [erased])
          yield* store.deleteBelongings(erased, { email: null, username: null })
          yield* store.pseudonymise(erased, "erased_late")
          assert.deepStrictEqual(yield* store.withLeftovers, [])
        }
        const [kept] = yield* sql`
          SELECT count(*)::int AS events, count(*) FILTER (WHERE pseudonym = 'erased_late' AND ip_address = '')::int AS nameless
          FROM security_audit_log`
        assert.deepStrictEqual(kept, { events: 2, nameless: 1 })
      }),
    )
  },
)
