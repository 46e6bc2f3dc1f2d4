/** From a change of an account to what Zitadel notes of it, through the whole program. */
import { assert, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import { Outbox } from "#shared/events/Outbox.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { TestNats } from "#shared/testing/TestServers.ts"
import { IdentityEvents } from "../../events/IdentityEvents.ts"
import { identityClient, request } from "../../testing/TestClient.ts"
import { Logged, novaEnvironment, running, zitadelKey } from "../../testing/TestIdentity.ts"
import { UserId } from "../../users/User.ts"
import { makePack } from "../pack/Pack.ts"
import { issue } from "../testing/ActionRuntime.ts"
import { addOrganization, addUser, type StandInUser } from "../testing/StandInWorld.ts"
import { type ZitadelStandIn, zitadelStandIn } from "../testing/ZitadelStandIn.ts"

const token = "the-token-of-the-tests"

class StandIn extends Context.Service<StandIn, ZitadelStandIn>()("identity/zitadel/push/StandIn") {
  static readonly layer = Layer.effect(StandIn, zitadelStandIn)
}

/** The program with a Zitadel beside it, and a NATS that nobody else listens to. */
const program = Layer.unwrap(
  Effect.gen(function* () {
    const { url, world } = yield* StandIn
    world.tokens.set(token, "instance")
    const nats = yield* TestNats
    return running({
      ...novaEnvironment,
      NATS_URL: Redacted.value(nats.url),
      ZITADEL_URL: url.origin,
      ZITADEL_TOKEN: token,
    })
  }),
).pipe(Layer.provideMerge(Layer.merge(StandIn.layer, TestNats.layer)))

const notes = ({ metadata }: StandInUser) =>
  new Map([...metadata].map(([key, value]) => [key, Buffer.from(value, "base64").toString()]))

const register = Effect.fnUntraced(function* (username: string) {
  const identity = yield* identityClient
  const { user } = yield* identity.register({ username, email: `${username}@example.com`, password: "correct horse" })
  return { identity, id: user?.id ?? "" }
})

/** Somebody with an account here and one in Zitadel, which has the same id. */
const imported = Effect.fnUntraced(function* (username: string) {
  const { world } = yield* StandIn
  const { identity, id } = yield* register(username)
  const person = addUser(world, addOrganization(world, username), { userId: id })
  return { identity, id, person }
})

/** The answer of the claims route. */
const claims = Effect.fnUntraced(function* (id: string) {
  const { json } = yield* request("GET", `/internal/zitadel/user-claims/${id}`, {
    headers: { "x-internal-api-key": zitadelKey },
  })
  return json
})

/** Waits until Zitadel has noted the claims that the route answers now. */
const upToDate = (id: string, person: StandInUser) =>
  eventually(
    Effect.gen(function* () {
      const wanted = yield* claims(id)
      const noted = JSON.parse(notes(person).get("nova_claims") ?? "null")
      return JSON.stringify(noted) === JSON.stringify(wanted) ? noted : yield* Effect.fail(notes(person))
    }),
  )

/** Tells everybody that the user has changed. */
const touch = Effect.fnUntraced(function* (id: string, bio: string) {
  const identity = yield* identityClient
  yield* identity.updateUserProfile({ userId: id, bio })
})

const calls = Effect.fnUntraced(function* (pattern: RegExp) {
  const { world } = yield* StandIn
  return world.calls.filter((call) => pattern.test(call))
})

layer(program, { excludeTestServices: true })("Zitadel's notes of claims", (it) => {
  it.effect("follow a profile, and say whose they are", () =>
    Effect.gen(function* () {
      const { identity, id, person } = yield* imported("ada")
      for (const displayName of ["Ada", "Ada Lovelace"]) {
        yield* identity.updateUserProfile({ userId: id, displayName, avatarUrl: "https://cdn.example.com/1.jpg" })
        const noted = yield* upToDate(id, person)
        assert.deepInclude(noted, { sub: id, name: displayName, picture: "https://cdn.example.com/1.jpg" })
        assert.strictEqual(notes(person).get("nova_user_id"), id)
      }
    }),
  )

  it.effect("are what a token shows while we are away", () =>
    Effect.gen(function* () {
      const { id, person } = yield* imported("grace")
      yield* touch(id, "Invented the compiler.")
      yield* upToDate(id, person)
      const { token } = yield* issue({
        actions: yield* makePack({ identityUrl: new URL("http://127.0.0.1:1"), key: Redacted.make("any") }),
        user: { id, username: "grace@zitadel" },
        metadata: Object.fromEntries(notes(person)),
        own: { sub: id },
      })
      assert.deepInclude(token, {
        preferred_username: "grace",
        email: "grace@example.com",
        "https://nova.app/claims/bio": "Invented the compiler.",
        "https://nova.app/claims/source": "cache",
      })
    }),
  )

  it.effect("find a person by an address that both sides have verified, and stay with them when it changes", () =>
    Effect.gen(function* () {
      const { world } = yield* StandIn
      const sql = yield* SqlClient.SqlClient
      const { id } = yield* register("barbara")
      const person = addUser(world, addOrganization(world, "Nova"), { email: "Barbara@example.com", isVerified: true })
      const searches = (yield* calls(/\/v2\/users$/)).length
      yield* touch(id, "Not verified here.")
      yield* eventually(
        Effect.flatMap(calls(/\/v2\/users$/), (now) => (now.length >= searches + 2 ? Effect.void : Effect.fail(now))),
      )
      assert.strictEqual(person.metadata.size, 0)

      yield* sql`UPDATE users SET email_verified = true WHERE id = ${id}::uuid`
      yield* touch(id, "Verified.")
      yield* upToDate(id, person)
      yield* sql`UPDATE users SET email = 'liskov@example.com' WHERE id = ${id}::uuid`
      yield* touch(id, "With another address.")
      assert.deepInclude(yield* upToDate(id, person), { email: "liskov@example.com" })
    }),
  )

  it.effect("are taken away, with the link, when a person is gone", () =>
    Effect.gen(function* () {
      const { id, person } = yield* imported("edsger")
      yield* touch(id, "Considered harmful.")
      yield* upToDate(id, person)
      person.metadata.set("theirs", "bm90IG91cnM=")
      const sql = yield* SqlClient.SqlClient
      const erased = Effect.gen(function* () {
        yield* sql`
          UPDATE users SET username = NULL, email = NULL, bio = NULL, deleted_at = now(), erased_at = now()
          WHERE id = ${id}::uuid`
        const events = yield* IdentityEvents
        yield* events.append(UserId.make(id), { case: "userErased", value: { userId: id } })
      })
      // Not the program's, which is on a connection of its own.
      const events = Layer.fresh(Layer.provide(IdentityEvents.layer, Outbox.layer))
      yield* Effect.provide(sql.withTransaction(erased), events)
      yield* eventually(
        Effect.suspend(() => (person.metadata.size === 1 ? Effect.void : Effect.fail([...person.metadata.keys()]))),
      )
      assert.deepStrictEqual([...person.metadata.keys()], ["theirs"])
      yield* eventually(
        Effect.flatMap(sql`SELECT 1 FROM zitadel_links WHERE user_id = ${id}::uuid`, (rows) =>
          rows.length === 0 ? Effect.void : Effect.fail(rows),
        ),
      )
    }),
  )

  it.effect("follow somebody who left Zitadel and came back", () =>
    Effect.gen(function* () {
      const { world } = yield* StandIn
      const { id, person } = yield* imported("tony")
      yield* touch(id, "Null.")
      yield* upToDate(id, person)
      world.users.delete(person.userId)
      const again = addUser(world, addOrganization(world, "Elsewhere"), { userId: id.replaceAll("-", "") })
      yield* touch(id, "Sorted quickly.")
      yield* upToDate(id, again)
    }),
  )

  it.effect("leave a person alone whom somebody has noted as somebody else", () =>
    Effect.gen(function* () {
      const { world } = yield* StandIn
      const { id } = yield* register("donald")
      const other = Buffer.from("01890a5d-ac96-774b-bcce-b302099a8057").toString("base64")
      const person = addUser(world, addOrganization(world, "Nova"), { userId: id })
      person.metadata.set("nova_user_id", other)
      const reads = (yield* calls(/_search/)).length
      yield* touch(id, "Still writing.")
      yield* eventually(
        Effect.flatMap(calls(/_search/), (now) => (now.length > reads ? Effect.void : Effect.fail(now))),
      )
      const { id: next, person: after } = yield* imported("afterwards")
      yield* touch(next, "Comes later.")
      yield* upToDate(next, after)
      assert.deepStrictEqual([...person.metadata], [["nova_user_id", other]])
    }),
  )

  it.effect("wait for a Zitadel that is away, or takes no token, and lose nothing", () =>
    Effect.gen(function* () {
      const { world } = yield* StandIn
      const { id, person } = yield* imported("alan")
      const bulk = new RegExp(`POST /management/v1/users/${id}/metadata/_bulk`)
      world.troubles.push({ at: bulk, status: 503, left: 2 }, { at: bulk, status: 401, left: 1 })
      yield* touch(id, "Halts.")
      yield* upToDate(id, person)
      assert.strictEqual((yield* calls(bulk)).length >= 4, true)
    }),
  )

  it.effect("give up what Zitadel refuses, with its reason, and keep nobody else waiting", () =>
    Effect.gen(function* () {
      const { world } = yield* StandIn
      const logged = yield* Logged
      const sql = yield* SqlClient.SqlClient
      const { id } = yield* imported("kurt")
      const bulk = new RegExp(`POST /management/v1/users/${id}/metadata/_bulk`)
      world.troubles.push({ at: bulk, status: 403, left: Number.POSITIVE_INFINITY })
      yield* touch(id, "Incomplete.")
      const [letter] = yield* eventually(
        Effect.flatMap(
          sql<{ readonly consumer: string; readonly reason: string }>`SELECT consumer, reason FROM dead_letters`,
          (letters) => (letters.length > 0 ? Effect.succeed(letters) : Effect.fail("no letter")),
        ),
      )
      assert.strictEqual(letter?.consumer, "identity-zitadel")
      assert.include(letter?.reason, `Zitadel does not let this token do POST /management/v1/users/${id}`)
      const { id: other, person } = yield* imported("emmy")
      yield* touch(other, "Conserves.")
      yield* upToDate(other, person)
      const lines = logged.join("")
      for (const secret of [token, "@example.com", zitadelKey]) assert.notInclude(lines, secret)
    }),
  )
})
