import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import { sha256 } from "#shared/crypto/digest.ts"
import { call, outcome, signedUp } from "../testing/EndUsers.ts"
import { allSent, lettersTo } from "../testing/Letters.ts"
import { accepted, founded, invited, key, type Person } from "../testing/Organizations.ts"
import { instanceEnvironment, Logged, running } from "../testing/TestIdentity.ts"

const domain = "invitations.test"
const signUp = signedUp(domain)
const subject = "You are invited to an organization"
const invalid = [409, "invitation_invalid"] as const

/** A new organization with its owner. */
const withOwner = Effect.fnUntraced(function* (name: string, called = name) {
  const owner = yield* signUp(`${name}-owner`)
  return { owner, path: (yield* founded(owner, called)).path }
})

const refusal = (person: Person, token: string) =>
  outcome("POST", "/organizations/invitations/accept", { session: person.session, body: { token } })

layer(running(instanceEnvironment), { excludeTestServices: true })("an invitation", (it) => {
  it.effect("makes a member of who reads the mail, and says so again to them alone", () =>
    Effect.gen(function* () {
      const { owner, path } = yield* withOwner("ada", "Acme & Sons")
      const email = `Guest@${domain}`
      const { json, letter, token } = yield* invited(path, owner, email, "admin")
      assert.include(json, { email, name: "", userId: "", role: "admin", status: "invited" })
      const days = (Date.parse(json.invitationExpiresAt) - Date.parse(json.invitedAt)) / 86_400_000
      assert.strictEqual(days, 7)
      assert.include(letter, `organization "Acme & Sons"`)
      assert.include(letter, "/accept-invitation?token=")
      // The account is made after the invitation, and its owner writes the address in another way.
      const guest = yield* signUp("guest")
      const joined = yield* accepted(guest, token)
      assert.strictEqual(joined.status, 200)
      const { organization, member } = joined.json
      assert.include(organization, { name: "Acme & Sons", role: "admin", memberCount: 2 })
      const place = { id: json.id, userId: guest.id, email: guest.email, name: "guest" }
      assert.include(member, { ...place, role: "admin", status: "active", invitedAt: json.invitedAt })
      assert.notProperty(member, "invitationExpiresAt")
      assert.deepStrictEqual((yield* accepted(guest, token)).json, joined.json)
      assert.deepStrictEqual(yield* refusal(yield* signUp("thief"), token), [...invalid])
      const own = yield* call("GET", "/organizations", { session: guest.session })
      assert.deepStrictEqual(own.json.data, [organization])
    }),
  )

  it.effect("is good for the invited address alone", () =>
    Effect.gen(function* () {
      const { owner, path } = yield* withOwner("grace")
      const guest = yield* signUp("hedy")
      const { token } = yield* invited(path, owner, guest.email, "member")
      const other = yield* signUp("mallory")
      for (const person of [other, owner]) assert.deepStrictEqual(yield* refusal(person, token), [...invalid])
      assert.deepStrictEqual(yield* refusal(guest, `${token}x`), [...invalid])
      assert.deepStrictEqual(yield* refusal(guest, "nonsense"), [...invalid])
      const nobody = yield* outcome("POST", "/organizations/invitations/accept", { body: { token } })
      assert.deepStrictEqual(nobody, [401, "unauthenticated"])
      assert.deepStrictEqual(yield* refusal(guest, token), [200, ""])
    }),
  )

  it.effect("ends when a newer one takes its place, when it is withdrawn, and in time", () =>
    Effect.gen(function* () {
      const { owner, path } = yield* withOwner("ends")
      const guest = yield* signUp("radia")
      const { session } = owner
      const first = yield* invited(path, owner, guest.email, "member")
      const second = yield* invited(path, owner, guest.email.toUpperCase(), "admin")
      assert.deepStrictEqual([second.id, second.json.role], [first.id, "admin"])
      assert.strictEqual((yield* call("GET", `${path}/members`, { key, session })).json.total, 2)
      assert.deepStrictEqual(yield* refusal(guest, first.token), [...invalid])

      assert.deepStrictEqual(yield* outcome("DELETE", second.path, { key, session }), [204, ""])
      assert.deepStrictEqual(yield* refusal(guest, second.token), [...invalid])

      const third = yield* invited(path, owner, guest.email, "member")
      const sql = yield* SqlClient.SqlClient
      yield* sql`UPDATE members SET invitation_expires_at = now() WHERE status = 'invited'`
      assert.deepStrictEqual(yield* refusal(guest, third.token), [...invalid])
      assert.strictEqual((yield* call("GET", `${path}/members`, { key, session })).json.total, 1)
      assert.deepStrictEqual(yield* outcome("DELETE", third.path, { key, session }), [404, "not_a_member"])
      const fourth = yield* invited(path, owner, guest.email, "member")
      assert.deepStrictEqual(yield* refusal(guest, fourth.token), [200, ""])
      for (const { token } of [first, second, third]) {
        assert.deepStrictEqual(yield* refusal(guest, token), [...invalid])
      }
      // A member who was removed does not come back by the mail of then.
      assert.deepStrictEqual(yield* outcome("DELETE", fourth.path, { key, session }), [204, ""])
      assert.deepStrictEqual(yield* refusal(guest, fourth.token), [...invalid])
    }),
  )

  it.effect("tells nobody whether the address has an account", () =>
    Effect.gen(function* () {
      const { owner, path } = yield* withOwner("discreet")
      const known = yield* signUp("known")
      const [with_, without] = [
        yield* invited(path, owner, known.email, "member"),
        yield* invited(path, owner, `unknown@${domain}`, "member"),
      ]
      const same = { id: "", email: "", invitedAt: "", invitationExpiresAt: "" }
      assert.deepStrictEqual({ ...with_.json, ...same }, { ...without.json, ...same })
      const sql = yield* SqlClient.SqlClient
      const kinds = yield* sql`SELECT DISTINCT user_id FROM mails WHERE kind = 'organizationInvitation'`
      assert.deepStrictEqual(kinds, [{ userId: null }])
    }),
  )

  it.effect("goes to no member", () =>
    Effect.gen(function* () {
      const { owner, path } = yield* withOwner("full")
      for (const email of [owner.email, owner.email.toUpperCase()]) {
        const options = { key, session: owner.session, body: { email } }
        assert.deepStrictEqual(yield* outcome("POST", `${path}/members`, options), [409, "already_member"])
      }
      yield* allSent
      assert.lengthOf(yield* lettersTo(owner.email, subject), 0)
    }),
  )

  it.effect("is mailed once, however often its request comes, and does not carry strange links", () =>
    Effect.gen(function* () {
      const { owner, path } = yield* withOwner("links", "Locked! See https://evil.example")
      const email = `lured@${domain}`
      const options = { key, session: owner.session, body: { email }, idempotencyKey: "invite-lured" }
      const [first, again] = [
        yield* call("POST", `${path}/members`, options),
        yield* call("POST", `${path}/members`, options),
      ]
      assert.deepStrictEqual([first.json.role, again.json], ["member", first.json])
      yield* allSent
      const letters = yield* lettersTo(email, subject)
      assert.lengthOf(letters, 1)
      assert.notInclude(letters.join(""), "evil")
    }),
  )

  it.effect("is accepted once by who does so twice at the same time", () =>
    Effect.gen(function* () {
      const { owner, path } = yield* withOwner("hasty")
      const guest = yield* signUp("haste")
      const { token, id } = yield* invited(path, owner, guest.email, "member")
      const both = yield* Effect.all([accepted(guest, token), accepted(guest, token)], { concurrency: "unbounded" })
      assert.deepStrictEqual(
        both.map(({ status, json }) => [status, json.member?.id]),
        [
          [200, id],
          [200, id],
        ],
      )
      const sql = yield* SqlClient.SqlClient
      const joined = yield* sql`
        SELECT 1 FROM security_audit_log WHERE action = 'organization.member_joined' AND details->'resource'->>'id' = ${id}`
      assert.lengthOf(joined, 1)
    }),
  )

  it.effect("keeps its token out of the database, and token and address out of the log", () =>
    Effect.gen(function* () {
      const { owner, path } = yield* withOwner("silent")
      const guest = yield* signUp("quiet")
      const { token, id } = yield* invited(path, owner, guest.email, "member")
      yield* refusal(owner, token)
      yield* accepted(guest, token)
      const sql = yield* SqlClient.SqlClient
      const [row] = yield* sql<{ readonly whole: string; readonly digest: Uint8Array }>`
        SELECT to_jsonb(members)::text AS whole, invitation_digest AS digest FROM members
        WHERE invitation_digest = ${sha256(token)}::bytea`
      assert.deepStrictEqual(Buffer.from(row?.digest ?? []), Buffer.from(sha256(token)), id)
      assert.notInclude(row?.whole ?? token, token)
      const text = (yield* Logged).join("")
      for (const hidden of [token, guest.email, owner.email]) assert.notInclude(text, hidden)
    }),
  )
})
