import { assert, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import {
  type IdentityEvent,
  IdentityEventSchema,
  LoginMethod,
  SessionEnd,
} from "#gen/authsome/identity/v1/events_pb.ts"
import { subscribe } from "#shared/events/Subscriber.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { testConnection } from "#shared/testing/TestEvents.ts"
import { TestNats } from "#shared/testing/TestServers.ts"
import { eventsAbout, password, registered } from "../testing/People.ts"
import { identityClient } from "../testing/TestClient.ts"
import { novaEnvironment, running } from "../testing/TestIdentity.ts"
import { withoutRecord } from "../testing/TestTablesStore.ts"

/** What another service of Nova has been told, in its order. */
class Told extends Context.Service<Told, Array<IdentityEvent["kind"]>>()("identity/events/Told") {
  static readonly layer = Layer.sync(Told, () => [])
}

const listener = Layer.unwrap(
  Effect.map(Told, (told) => subscribe(IdentityEventSchema, ({ kind }) => Effect.sync(() => void told.push(kind)))),
).pipe(Layer.provide(testConnection))

/** The program, and a NATS that nobody else publishes to. */
const program = Layer.unwrap(
  Effect.map(TestNats, ({ url }) => running({ ...novaEnvironment, NATS_URL: Redacted.value(url) })),
).pipe(Layer.merge(listener), Layer.provideMerge(Layer.merge(Told.layer, TestNats.layer)))

/** Waits until the other service was told all that the outbox has of a user, and answers with it. */
const toldOf = (userId: string) =>
  eventually(
    Effect.gen(function* () {
      const events = (yield* Told).filter(({ value }) => value?.userId === userId)
      const decided = yield* eventsAbout(userId)
      return events.length === decided.length ? events : yield* Effect.fail(`${events.length} of ${decided.length}`)
    }),
  )

const outbox = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ readonly count: number }>`SELECT count(*)::int AS count FROM outbox`
  return row?.count ?? 0
})

const registerIn = registered("events.test")

layer(program, { excludeTestServices: true })("what happens to users", (it) => {
  it.effect("is told with the change or not at all, and another service hears it in order", () =>
    Effect.gen(function* () {
      const { identity, id, email, sessionId } = yield* registerIn("ada")
      const changed = "another long password"
      const login = (by: string) => identity.login({ identifier: email, password: by })
      const { data } = yield* identity.listSessions({ userId: id })
      assert.lengthOf(data, 1)
      type Step = Effect.Effect<unknown, { readonly _tag: string }>
      const steps: ReadonlyArray<readonly [string, Step, ReadonlyArray<IdentityEvent["kind"]["case"]>]> = [
        ["log in", login(password), ["userLoggedIn"]],
        ["change the profile", identity.updateUserProfile({ userId: id, bio: "Notes" }), ["profileUpdated"]],
        [
          "change the password",
          identity.changePassword({
            userId: id,
            currentPassword: password,
            newPassword: changed,
            keepSessionId: sessionId,
          }),
          ["sessionRevoked", "passwordChanged"],
        ],
        ["end a session", identity.revokeSession({ userId: id, sessionId }), ["sessionRevoked"]],
        ["log in again", login(changed), ["userLoggedIn"]],
        ["end all sessions", identity.revokeAllUserTokens({ userId: id }), ["sessionRevoked"]],
        ["delete", identity.deleteUser({ userId: id }), ["profileUpdated"]],
        ["erase", identity.eraseUser({ userId: id }), ["userErased"]],
      ]
      for (const [what, step, cases] of steps) {
        const before = [yield* outbox, (yield* eventsAbout(id)).length] as const
        const failed = yield* Effect.flip<unknown, { readonly _tag: string }, never>(step).pipe(withoutRecord)
        assert.strictEqual(failed._tag, "Internal", what)
        assert.strictEqual(yield* outbox, before[0], `nothing is told of a failure to ${what}`)
        yield* step
        const events = (yield* eventsAbout(id)).slice(before[1])
        assert.deepStrictEqual(
          events.map((event) => event.case),
          [...cases],
          what,
        )
      }
      const told = yield* toldOf(id)
      assert.deepStrictEqual(told, yield* eventsAbout(id))
      assert.notInclude(JSON.stringify(told), email)
      assert.deepInclude(told[1]?.value, { userId: id, method: LoginMethod.PASSWORD })
      assert.deepInclude(told[2]?.value, { changedFields: ["bio"] })
      assert.deepInclude(told[3]?.value, { reason: SessionEnd.PASSWORD_CHANGED })
      assert.deepInclude(told[4]?.value, { byReset: false })
      assert.deepInclude(told[5]?.value, { sessionId, reason: SessionEnd.REVOKED })
      assert.deepInclude(told[8]?.value, { changedFields: ["deleted_at"] })
    }),
  )

  it.effect("is not told of a registration that fails", () =>
    Effect.gen(function* () {
      const identity = yield* identityClient
      const form = { username: "grace", email: "grace@events.test", password }
      const before = yield* outbox
      const failed = yield* withoutRecord(Effect.flip(identity.register(form)))
      assert.strictEqual(failed._tag, "Internal")
      assert.strictEqual(yield* outbox, before)
      const { user } = yield* identity.register(form)
      const told = yield* toldOf(user?.id ?? "")
      assert.deepStrictEqual(
        told.map((event) => event.case),
        ["userRegistered"],
      )
    }),
  )

  it.effect("is told of sessions that end for other reasons, with the reason", () =>
    Effect.gen(function* () {
      const { identity, id, email, access } = yield* registerIn("edsger")
      yield* identity.logout({ token: access })
      const { outcome } = yield* identity.login({ identifier: email, password })
      const refreshToken = outcome.case === "signedIn" ? (outcome.value.tokens?.refreshToken ?? "") : ""
      const { tokens } = yield* identity.refreshToken({ refreshToken })
      yield* identity.refreshToken({ refreshToken: tokens?.refreshToken ?? "" })
      const sql = yield* SqlClient.SqlClient
      yield* sql`UPDATE refresh_tokens SET used_at = used_at - interval '11 seconds'`
      yield* Effect.flip(identity.refreshToken({ refreshToken }))
      yield* identity.login({ identifier: email, password })
      yield* identity.eraseUser({ userId: id })
      const reasons = (yield* toldOf(id)).flatMap((event) =>
        event.case === "sessionRevoked" ? [event.value.reason] : [],
      )
      assert.deepStrictEqual(reasons, [SessionEnd.LOGGED_OUT, SessionEnd.TOKEN_REUSED, SessionEnd.USER_DELETED])
    }),
  )
})
