import { fromBinary } from "@bufbuild/protobuf"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import { IdentityEventSchema } from "#gen/authsome/identity/v1/events_pb.ts"
import { IdentityService } from "#gen/authsome/identity/v1/identity_service_pb.ts"
import type { LoginResponse } from "#gen/authsome/identity/v1/session_pb.ts"
import * as Channel from "#shared/rpc/client/Channel.ts"
import * as Client from "#shared/rpc/client/Client.ts"
import { Listening } from "#shared/rpc/Server.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { identityClient } from "./testing/TestClient.ts"
import { Logged, novaEnvironment, running } from "./testing/TestIdentity.ts"

const password = "correct horse battery"

const register = Effect.fnUntraced(function* (username: string) {
  const identity = yield* identityClient
  const email = `${username}@Example.com`
  const { user, tokens } = yield* identity.register({ username, email, password, displayName: username.toUpperCase() })
  return {
    identity,
    email,
    id: user?.id ?? "",
    user,
    access: tokens?.accessToken ?? "",
    refresh: tokens?.refreshToken ?? "",
    sessionId: tokens?.sessionId ?? "",
  }
})

const signedIn = ({ outcome }: LoginResponse) => (outcome.case === "signedIn" ? outcome.value : undefined)

/** The events about a user, in their order, as the outbox holds them. */
const eventsAbout = (userId: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const rows = yield* sql<{ readonly payload: Uint8Array }>`
      SELECT payload FROM outbox WHERE aggregate = ${userId} ORDER BY position`
    return rows.map(({ payload }) => fromBinary(IdentityEventSchema, payload).kind)
  })

layer(running(novaEnvironment), { excludeTestServices: true })("IdentityService", (it) => {
  it.effect("registers a user who can log in by address and by username, in any case", () =>
    Effect.gen(function* () {
      const { identity, id, user, email } = yield* register("Ada.Lovelace")
      assert.include(user, { username: "Ada.Lovelace", email, displayName: "ADA.LOVELACE", active: true })
      assert.isFalse(user?.emailVerified)
      for (const identifier of [email, email.toLowerCase(), "ada.lovelace", "ADA.LOVELACE"]) {
        const login = signedIn(yield* identity.login({ identifier, password }))
        assert.strictEqual(login?.user?.id, id)
        assert.isDefined(login?.user?.lastLoginAt)
      }
      const { user: read } = yield* identity.getUser({ userId: id.toUpperCase() })
      assert.strictEqual(read?.email, email)
    }),
  )

  it.effect("keeps addresses and usernames apart in any case, and stores no password", () =>
    Effect.gen(function* () {
      const { identity, id } = yield* register("grace")
      const sameEmail = yield* Effect.flip(
        identity.register({ username: "hopper", email: "GRACE@example.com", password }),
      )
      assert.deepStrictEqual([sameEmail._tag, sameEmail.reason], ["AlreadyExists", "EMAIL_TAKEN"])
      const sameName = yield* Effect.flip(identity.register({ username: "GRACE", email: "g@example.com", password }))
      assert.deepStrictEqual([sameName._tag, sameName.reason], ["AlreadyExists", "USERNAME_TAKEN"])
      const sql = yield* SqlClient.SqlClient
      const [row] = yield* sql<{ readonly passwordHash: string }>`
        SELECT password_hash FROM users WHERE id = ${id}::uuid`
      assert.match(row?.passwordHash ?? "", /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    }),
  )

  it.effect("refuses an unknown account exactly as a wrong password", () =>
    Effect.gen(function* () {
      const { identity, email } = yield* register("edsger")
      const wrong = yield* Effect.flip(identity.login({ identifier: email, password: "wrong" }))
      const unknown = yield* Effect.flip(identity.login({ identifier: "nobody@example.com", password }))
      assert.deepStrictEqual([wrong._tag, wrong.reason, wrong.message], [unknown._tag, unknown.reason, unknown.message])
      assert.strictEqual(wrong.reason, "INVALID_CREDENTIALS")
    }),
  )

  it.effect("refuses a suspended and a deleted account", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const changes = {
        suspended: sql`is_active = false`,
        removed: sql`deleted_at = now()`,
      }
      for (const [username, change] of Object.entries(changes)) {
        const { identity, email, id, access } = yield* register(username)
        yield* sql`UPDATE users SET ${change} WHERE id = ${id}::uuid`
        const refused = yield* Effect.flip(identity.login({ identifier: email, password }))
        assert.strictEqual(refused.reason, "INVALID_CREDENTIALS")
        assert.isFalse((yield* identity.verifyToken({ token: access })).valid)
      }
    }),
  )

  it.effect("refuses a password that is too short or too long before it hashes it", () =>
    Effect.gen(function* () {
      const identity = yield* identityClient
      for (const bad of ["1234567", "x".repeat(257)]) {
        const refused = yield* Effect.flip(
          identity.register({ username: "barbara", email: "barbara@example.com", password: bad }),
        )
        assert.strictEqual(refused.reason, "INVALID_REQUEST")
        assert.deepStrictEqual(
          refused.violations?.map(({ field }) => field),
          ["password"],
        )
      }
    }),
  )

  it.effect("answers a repeated registration as the first one, and another one by the same id not at all", () =>
    Effect.gen(function* () {
      const identity = yield* identityClient
      const request = { username: "donald", email: "donald@example.com", password, requestId: "req-1" }
      const first = yield* identity.register(request)
      assert.deepStrictEqual(yield* identity.register(request), first)
      const { valid } = yield* identity.verifyToken({ token: first.tokens?.accessToken ?? "" })
      assert.isTrue(valid)
      for (const other of [{ email: "knuth@example.com" }, { password: "another password" }]) {
        const refused = yield* Effect.flip(identity.register({ ...request, ...other }))
        assert.deepStrictEqual([refused._tag, refused.reason], ["FailedPrecondition", "REQUEST_ID_REUSED"])
      }
      const sql = yield* SqlClient.SqlClient
      const [kept] = yield* sql<{ readonly text: string }>`
        SELECT encode(request_digest, 'escape') || encode(response, 'escape') AS text FROM idempotency
        WHERE request_id = 'req-1'`
      assert.match(kept?.text ?? "", /^v1\.test\.[^.]+v1\.test\.[^.]+$/)
    }),
  )

  it.effect("registers one of two twins, tells the other to come back, and answers it then as the first", () =>
    Effect.gen(function* () {
      const identity = yield* identityClient
      const sql = yield* SqlClient.SqlClient
      const register = identity.register({ username: "twin", email: "twin@example.com", password, requestId: "req-2" })
      const running = yield* sql.withTransaction(
        Effect.gen(function* () {
          yield* sql`LOCK TABLE users IN SHARE MODE`
          const first = yield* Effect.forkScoped(register)
          const waiting = sql`
            SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))`
          yield* eventually(Effect.filterOrFail(waiting, (rows) => rows.length > 0))
          const twin = yield* Effect.flip(register)
          assert.deepStrictEqual([twin._tag, twin.reason, twin.retryAfterMs], ["Aborted", "REQUEST_IN_PROGRESS", 1000])
          return first
        }),
      )
      const first = yield* Fiber.join(running)
      assert.deepStrictEqual(yield* register, first)
      const events = yield* eventsAbout(first.user?.id ?? "")
      assert.deepStrictEqual(
        events.map((event) => event.case),
        ["userRegistered"],
      )
    }).pipe(Effect.scoped),
  )

  it.effect("records what happened to whom, by which program, from which device, and nothing that did not happen", () =>
    Effect.gen(function* () {
      const { identity, id, email, access, refresh } = yield* register("hedy")
      const client = { ipAddress: "203.0.113.9", userAgent: "radio/1" }
      const login = signedIn(yield* identity.login({ identifier: email, password, client }))
      yield* Effect.flip(identity.login({ identifier: email, password: "wrong", client }))
      yield* identity.updateUserProfile({ userId: id, bio: "frequency hopping" })
      yield* identity.updateUserProfile({ userId: id, bio: "frequency hopping" })
      yield* Effect.flip(identity.updateUserProfile({ userId: id, username: "Grace" }))
      for (const token of [access, refresh, "unknown"]) yield* identity.logout({ token })
      yield* identity.revokeToken({ token: login?.tokens?.refreshToken ?? "" })
      const sql = yield* SqlClient.SqlClient
      const rows = yield* sql<{ readonly text: string; readonly action: string; readonly requestId: string }>`
        SELECT action, request_id, to_jsonb(event)::text AS text
        FROM security_audit_log AS event WHERE user_id = ${id}::uuid ORDER BY occurred_at, event.id`
      assert.deepStrictEqual(
        rows.map(({ action }) => action),
        ["user.registered", "user.logged_in", "user.profile_updated", "user.logged_out", "session.revoked"],
      )
      const [, loggedIn, updated] = rows.map((row) => JSON.parse(row.text))
      const { ipAddress: ip_address, userAgent: user_agent } = client
      assert.include(loggedIn, { user_id: id, key_id: null, peer: "tests", ip_address, user_agent })
      assert.deepInclude(updated, { ip_address: "", details: { fields: ["userId", "bio"] } })
      for (const { requestId } of rows) assert.match(requestId, /^req_/)
      const text = rows.map((row) => row.text).join()
      for (const secret of [email, password, access, refresh, "frequency"]) assert.notInclude(text, secret)
    }),
  )

  it.effect("is for programs of the mesh that show the key", () =>
    Effect.gen(function* () {
      const { grpcPort } = yield* Listening
      const url = new URL(`http://127.0.0.1:${grpcPort}`)
      for (const internalKey of [undefined, Redacted.make("wrong")]) {
        const stranger = Client.make(IdentityService, yield* Channel.make({ url, peer: "stranger", internalKey }))
        const refused = yield* Effect.flip(stranger.getUser({ userId: "01890a5d-ac96-774b-bcce-b302099a8057" }))
        assert.strictEqual(refused._tag, "Unauthenticated")
      }
      const identity = yield* identityClient
      const unknown = yield* Effect.flip(identity.getUser({ userId: "01890a5d-ac96-774b-bcce-b302099a8057" }))
      assert.deepStrictEqual([unknown._tag, unknown.reason], ["NotFound", "USER_NOT_FOUND"])
      const invalid = yield* Effect.flip(identity.getUser({ userId: "nonsense" }))
      assert.deepStrictEqual([invalid._tag, invalid.violations?.[0]?.field], ["InvalidRequest", "user_id"])
    }),
  )

  it.effect("logs no password, token or address", () =>
    Effect.gen(function* () {
      const { identity, email, access, refresh } = yield* register("margaret")
      yield* Effect.flip(identity.login({ identifier: email, password: "wrong-password-of-margaret" }))
      const text = (yield* Logged).join("")
      for (const secret of [email, password, "wrong-password-of-margaret", access, refresh]) {
        assert.notInclude(text, secret)
      }
    }),
  )
})
