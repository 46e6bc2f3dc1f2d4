import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import { call, outcome, signedUp } from "../testing/EndUsers.ts"
import { accepted, founded, founderPath, invited, joined, key } from "../testing/Organizations.ts"
import { instanceEnvironment, running } from "../testing/TestIdentity.ts"

const domain = "organizations.test"
const signUp = signedUp(domain)
const join = joined(domain)

layer(running(instanceEnvironment), { excludeTestServices: true })("organizations of end users", (it) => {
  it.effect("are made by an end user, who owns them", () =>
    Effect.gen(function* () {
      const ada = yield* signUp("ada")
      const { json, path } = yield* founded(ada, "Acme")
      assert.deepStrictEqual(Object.keys(json).sort(), ["createdAt", "id", "memberCount", "name", "role", "updatedAt"])
      assert.match(json.id, /^org_[a-z2-7]{26}$/)
      assert.include(json, { name: "Acme", role: "owner", memberCount: 1 })
      const { session } = ada
      assert.deepStrictEqual((yield* call("GET", path, { key, session })).json, json)
      const { json: members } = yield* call("GET", `${path}/members`, { key, session })
      assert.deepStrictEqual([members.total, members.page, members.pageSize], [1, 1, 20])
      const place = { organizationId: json.id, userId: ada.id, email: ada.email, name: "ada" }
      assert.include(members.data[0], { ...place, role: "owner", status: "active" })
      assert.notProperty(members.data[0], "invitedAt")
    }),
  )

  it.effect("are listed by name, page by page, to their members and to a secret key", () =>
    Effect.gen(function* () {
      const grace = yield* signUp("grace")
      for (const name of ["Gamma", "alpha", "Beta"]) yield* founded(grace, name)
      const stranger = yield* signUp("nobody")
      const { session } = grace
      const own = yield* call("GET", "/organizations?pageSize=2", { session })
      assert.deepStrictEqual([own.json.total, own.json.page, own.json.pageSize], [3, 1, 2])
      const rest = yield* call("GET", "/organizations?pageSize=2&page=2", { session })
      const names = [...own.json.data, ...rest.json.data].map(({ name }) => name)
      assert.deepStrictEqual(names, ["alpha", "Beta", "Gamma"])
      const ofGrace = yield* call("GET", `/users/${grace.id}/organizations`, { key })
      assert.deepStrictEqual(ofGrace.json.data, [...own.json.data, ...rest.json.data])
      const none = yield* call("GET", "/organizations", { session: stranger.session })
      assert.deepStrictEqual([none.json.total, none.json.data], [0, []])
      for (const id of ["usr_aeixuvnms53uxpgowmbati5ak4", "usr_1"]) {
        assert.deepStrictEqual(yield* outcome("GET", `/users/${id}/organizations`, { key }), [404, "user_not_found"])
      }
      assert.strictEqual((yield* call("GET", "/organizations?pageSize=101", { session })).status, 400)
    }),
  )

  it.effect("do not exist to strangers", () =>
    Effect.gen(function* () {
      const owner = yield* signUp("owner")
      const { path } = yield* founded(owner, "Hidden")
      const place = yield* founderPath(path, owner)
      const { session } = yield* signUp("stranger")
      const nowhere = "/organizations/org_aeixuvnms53uxpgowmbati5ak4"
      const askedOf = (organization: string, member: string) =>
        [
          ["GET", organization, undefined],
          ["PATCH", organization, { name: "Mine" }],
          ["DELETE", organization, undefined],
          ["GET", `${organization}/members`, undefined],
          ["POST", `${organization}/members`, { email: `more@${domain}`, role: "owner" }],
          ["PATCH", member, { role: "member" }],
          ["DELETE", member, undefined],
          ["DELETE", `${organization}/membership`, undefined],
        ] as const
      const answers = (organization: string, member: string) =>
        Effect.forEach(askedOf(organization, member), ([method, at, body]) =>
          Effect.map(call(method, at, { key, session, body }), ({ status, json }) => [
            status,
            json.error.reason,
            json.error.message,
          ]),
        )
      const hidden = yield* answers(path, place)
      assert.deepStrictEqual(hidden, yield* answers(nowhere, `${nowhere}/members/${place.split("/").at(-1)}`))
      assert.deepStrictEqual(
        hidden.map(([status, reason]) => `${status} ${reason}`),
        [...Array.from({ length: 7 }, () => "404 not_found"), "404 not_a_member"],
      )
      assert.deepStrictEqual(yield* outcome("GET", "/organizations/org_1", { key, session }), [404, "not_found"])
    }),
  )

  it.effect("want a key with the scope beside the session", () =>
    Effect.gen(function* () {
      const owner = yield* signUp("scoped")
      const { path } = yield* founded(owner, "Scoped")
      const { session } = owner
      const asked = [
        ["GET", path, undefined],
        ["GET", `${path}/members`, undefined],
        ["PATCH", path, { name: "Scoped" }],
        ["POST", "/organizations", { name: "More" }],
      ] as const
      const statuses = (kind: string, ...scopes: ReadonlyArray<string>) =>
        Effect.forEach(asked, ([method, at, body]) =>
          Effect.map(call(method, at, { key: { kind, scopes }, session, body }), ({ status }) => status),
        )
      assert.deepStrictEqual(yield* statuses("public", "*", "organizations:write"), [403, 403, 403, 403])
      assert.deepStrictEqual(yield* statuses("secret", "users:write"), [403, 403, 403, 403])
      assert.deepStrictEqual(yield* statuses("secret", "organizations:read"), [200, 200, 403, 403])
      assert.deepStrictEqual(yield* statuses("secret", "organizations:write"), [403, 403, 200, 201])
      assert.deepStrictEqual(yield* statuses("secret", "*"), [200, 200, 200, 201])
      const refused = yield* outcome("GET", path, { session })
      assert.deepStrictEqual(refused, [403, "scope_missing"])
      const list = `/users/${owner.id}/organizations`
      assert.deepStrictEqual(yield* outcome("GET", list, { session }), [403, "scope_missing"])
      for (const [method, at, body] of asked) {
        assert.deepStrictEqual(yield* outcome(method, at, { key, body }), [401, "unauthenticated"])
      }
      assert.strictEqual((yield* call("GET", "/organizations", { key })).status, 401)
    }),
  )

  it.effect("let their members do what the role says", () =>
    Effect.gen(function* () {
      const owner = yield* signUp("boss")
      const { path } = yield* founded(owner, "Table")
      const admin = yield* join("admin", path, owner, "admin")
      const member = yield* join("member", path, owner, "member")
      const other = yield* join("other", path, owner, "member")
      const ownerPath = yield* founderPath(path, owner)
      const open = yield* invited(path, owner, `future-owner@${domain}`, "owner")
      const invite = (email: string, role: string) => ["POST", `${path}/members`, { email, role }] as const
      const asked = [
        ["GET", path, undefined, "200 200 200"],
        ["GET", `${path}/members`, undefined, "200 200 200"],
        ["PATCH", path, { name: "Table" }, "403 200 200"],
        [...invite(`new@${domain}`, "member"), "403 201 201"],
        [...invite(`new@${domain}`, "admin"), "403 201 201"],
        [...invite(`new-owner@${domain}`, "owner"), "403 403 201"],
        // An open invitation to become an owner is an owner's business too.
        [...invite(`future-owner@${domain}`, "member"), "403 403 201"],
        ["PATCH", open.path, { role: "owner" }, "403 403 200"],
        ["PATCH", other.memberPath, { role: "admin" }, "403 200 200"],
        ["PATCH", other.memberPath, { role: "owner" }, "403 403 200"],
        ["PATCH", other.memberPath, { role: "member" }, "403 403 200"],
        ["PATCH", ownerPath, { role: "owner" }, "403 403 200"],
        ["DELETE", ownerPath, undefined, "403 403 409"],
        ["DELETE", open.path, undefined, "403 403 204"],
        ["DELETE", path, undefined, "403 403 204"],
      ] as const
      for (const [method, at, body, expected] of asked) {
        const statuses = yield* Effect.forEach([member, admin, owner], ({ session }) =>
          Effect.map(call(method, at, { key, session, body }), ({ status }) => status),
        )
        assert.strictEqual(statuses.join(" "), expected, `${method} ${at} ${JSON.stringify(body)}`)
      }
    }),
  )

  it.effect("are renamed, and deleted with their members and invitations", () =>
    Effect.gen(function* () {
      const owner = yield* signUp("founder")
      const { path, json } = yield* founded(owner, "Before")
      const member = yield* join("left-over", path, owner, "member")
      const late = yield* signUp("late")
      const { token } = yield* invited(path, owner, late.email, "member")
      const { session } = owner
      const renamed = yield* call("PATCH", path, { key, session, body: { name: "After" } })
      assert.include(renamed.json, { id: json.id, name: "After", memberCount: 2, createdAt: json.createdAt })
      assert.isAbove(Date.parse(renamed.json.updatedAt), Date.parse(json.updatedAt))
      assert.deepStrictEqual((yield* call("PATCH", path, { key, session, body: {} })).json, renamed.json)
      const seen = yield* call("GET", path, { key, session: member.session })
      assert.deepStrictEqual(seen.json, { ...renamed.json, role: "member" })

      assert.deepStrictEqual(yield* outcome("DELETE", path, { key, session }), [204, ""])
      for (const person of [owner, member]) {
        const asked = { key, session: person.session }
        assert.deepStrictEqual(yield* outcome("GET", path, asked), [404, "not_found"])
        assert.strictEqual((yield* call("GET", "/organizations", asked)).json.total, 0)
      }
      assert.deepStrictEqual(yield* outcome("DELETE", path, { key, session }), [404, "not_found"])
      const { status, json: refusal } = yield* accepted(late, token)
      assert.deepStrictEqual([status, refusal.error.reason], [409, "invitation_invalid"])
      const sql = yield* SqlClient.SqlClient
      const rows = yield* sql`SELECT 1 FROM members WHERE email IN (${late.email}, ${member.email})`
      assert.lengthOf(rows, 0)
    }),
  )

  it.effect("refuse what is malformed, with the field", () =>
    Effect.gen(function* () {
      const owner = yield* signUp("careless")
      const { path } = yield* founded(owner, "Strict")
      const place = yield* founderPath(path, owner)
      const email = `someone@${domain}`
      const { session } = owner
      for (const [method, at, body, field] of [
        ["POST", "/organizations", {}, "name"],
        ["POST", "/organizations", { name: "" }, "name"],
        ["POST", "/organizations", { name: "x".repeat(101) }, "name"],
        ["POST", "/organizations", { name: "X", role: "owner" }, "role"],
        ["PATCH", path, { name: "" }, "name"],
        ["PATCH", "/organizations/ws_1", { name: "X" }, "organizationId"],
        ["POST", `${path}/members`, { role: "member" }, "email"],
        ["POST", `${path}/members`, { email: "nonsense" }, "email"],
        ["POST", `${path}/members`, { email: `${"x".repeat(250)}@${domain}` }, "email"],
        ["POST", `${path}/members`, { email, role: "emperor" }, "role"],
        ["PATCH", place, {}, "role"],
        ["PATCH", `${path}/members/usr_1`, { role: "admin" }, "memberId"],
        ["POST", "/organizations/invitations/accept", { token: "" }, "token"],
        ["POST", "/organizations/invitations/accept", { token: "x".repeat(513) }, "token"],
      ] as const) {
        const { status, json } = yield* call(method, at, { key, session, body })
        const told = [status, json.error.code, json.error.details[0].field]
        assert.deepStrictEqual(told, [400, "invalid_request", field], JSON.stringify(body).slice(0, 60))
      }
      const unknown = `${path}/members/mem_aeixuvnms53uxpgowmbati5ak4`
      for (const at of [unknown, `${path}/members/mem_1`]) {
        assert.deepStrictEqual(yield* outcome("DELETE", at, { key, session }), [404, "not_a_member"])
        const change = { key, session, body: { role: "admin" } }
        assert.deepStrictEqual(yield* outcome("PATCH", at, change), [404, "not_a_member"])
      }
    }),
  )

  it.effect("leave a record of who changed which of them, and none of what stayed as it was", () =>
    Effect.gen(function* () {
      const owner = yield* signUp("recorded")
      const options = { key, session: owner.session, body: { name: "Once" }, idempotencyKey: "once" }
      const first = yield* call("POST", "/organizations", options)
      const again = yield* call("POST", "/organizations", options)
      assert.deepStrictEqual([again.status, again.json], [201, first.json])
      const path = `/organizations/${first.json.id}`
      const member = yield* join("recorded-too", path, owner, "member")
      const { session } = owner
      for (const _ of ["first", "again"]) {
        yield* call("PATCH", path, { key, session, body: { name: "Twice" } })
        yield* call("PATCH", member.memberPath, { key, session, body: { role: "admin" } })
      }
      yield* call("DELETE", `${path}/membership`, { session: member.session })
      yield* call("DELETE", path, { key, session })
      const sql = yield* SqlClient.SqlClient
      const rows = yield* sql<{ readonly action: string; readonly type: string; readonly id: string }>`
        SELECT action, details->'resource'->>'type' AS type, details->'resource'->>'id' AS id FROM security_audit_log
        WHERE details->>'container' = ${first.json.id} OR details->'resource'->>'id' = ${first.json.id}
        ORDER BY occurred_at, id`
      assert.deepStrictEqual(
        rows.map(({ action, type, id }) => [action, type, id]),
        [
          ["organization.created", "organization", first.json.id],
          ["organization.member_invited", "member", member.memberId],
          ["organization.member_joined", "member", member.memberId],
          ["organization.updated", "organization", first.json.id],
          ["organization.member_updated", "member", member.memberId],
          ["organization.member_left", "member", member.memberId],
          ["organization.deleted", "organization", first.json.id],
        ],
      )
    }),
  )
})
