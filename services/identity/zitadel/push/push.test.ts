/** From a change of an account to what Zitadel notes of it, through the whole program. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import { eventually } from "#shared/testing/eventually.ts"
import type { News } from "../../events/IdentityEvents.ts"
import { makePack } from "../pack/Pack.ts"
import { issue } from "../testing/ActionRuntime.ts"
import { addOrganization, addUser } from "../testing/StandInWorld.ts"
import {
  allFollowed,
  calls,
  imported,
  notes,
  program,
  register,
  StandIn,
  tell,
  touch,
  upToDate,
} from "./fixtures/noting.ts"

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
      const { identity, id, person } = yield* imported("edsger")
      yield* touch(id, "Considered harmful.")
      yield* upToDate(id, person)
      person.metadata.set("theirs", "bm90IG91cnM=")
      yield* identity.eraseUser({ userId: id })
      yield* eventually(
        Effect.suspend(() => (person.metadata.size === 1 ? Effect.void : Effect.fail([...person.metadata.keys()]))),
      )
      assert.deepStrictEqual([...person.metadata.keys()], ["theirs"])
      const sql = yield* SqlClient.SqlClient
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
      for (let n = 0; n < 150; n++) person.metadata.set(`setting-${n}`, other)
      person.metadata.set("nova_user_id", other)
      const reads = (yield* calls(/_search/)).length
      yield* touch(id, "Still writing.")
      yield* eventually(
        Effect.flatMap(calls(/_search/), (now) => (now.length > reads ? Effect.void : Effect.fail(now))),
      )
      const { id: next, person: after } = yield* imported("afterwards")
      yield* touch(next, "Comes later.")
      yield* upToDate(next, after)
      assert.deepStrictEqual([person.metadata.get("nova_user_id"), person.metadata.size], [other, 151])
    }),
  )

  it.effect.each(["updateUserProfile", "deleteUser"] as const)(
    "are taken from a person whom somebody has noted as somebody else since, and nothing with them: %s",
    (change) =>
      Effect.gen(function* () {
        const { identity, id, person } = yield* imported(`ken_${change}`)
        yield* touch(id, "Trusts trust.")
        yield* allFollowed
        const other = Buffer.from("01890a5d-ac96-774b-bcce-b302099a8058").toString("base64")
        person.metadata.set("nova_user_id", other)
        yield* identity[change]({ userId: id, bio: "Trusts nobody." })
        yield* eventually(
          Effect.suspend(() => (person.metadata.has("nova_claims") ? Effect.fail("still noted") : Effect.void)),
        )
        assert.deepStrictEqual([...person.metadata], [["nova_user_id", other]])
      }),
  )

  it.effect("say what is true, however often and in whichever order things are told", () =>
    Effect.gen(function* () {
      const { id, person } = yield* imported("niklaus")
      yield* touch(id, "Structured.")
      // The registration and the change are followed at the same time: the later of the two may still be writing.
      yield* allFollowed
      const noted = yield* upToDate(id, person)
      const searched = new RegExp(`/users/${id}/metadata/_search`)
      const [reads, writes] = [(yield* calls(searched)).length, (yield* calls(/_bulk/)).length]
      const updated: News = { case: "profileUpdated", value: { userId: id, changedFields: ["bio"] } }
      yield* tell(id, updated)
      yield* tell(id, { case: "userErased", value: { userId: id } })
      yield* tell(id, updated)
      yield* allFollowed
      assert.strictEqual((yield* calls(searched)).length >= reads + 3, true)
      assert.deepStrictEqual([yield* upToDate(id, person), (yield* calls(/_bulk/)).length], [noted, writes])
    }),
  )
})
