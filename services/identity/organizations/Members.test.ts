import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { call, outcome, signedUp } from "../testing/EndUsers.ts"
import { founded, founderPath, invited, joined, key, type Person } from "../testing/Organizations.ts"
import { instanceEnvironment, running } from "../testing/TestIdentity.ts"

const domain = "members.test"
const signUp = signedUp(domain)
const join = joined(domain)

const membersOf = (path: string, { session }: Person) =>
  Effect.map(call("GET", `${path}/members?status=active`, { key, session }), ({ json }) => json.data)

const leave = (path: string, { session }: Person) => outcome("DELETE", `${path}/membership`, { session })

/** An organization with two owners; the first one founded it. */
const withTwoOwners = Effect.fnUntraced(function* (name: string) {
  const first = yield* signUp(`${name}-first`)
  const { path } = yield* founded(first, name)
  const second = yield* join(`${name}-second`, path, first, "owner")
  return { path, first: { ...first, memberPath: yield* founderPath(path, first) }, second }
})

const lastOwner = [409, "last_owner"] as const

layer(running(instanceEnvironment), { excludeTestServices: true })("members of an organization", (it) => {
  it.effect("are listed in the order in which they joined, then who is invited", () =>
    Effect.gen(function* () {
      const owner = yield* signUp("ada")
      const { path } = yield* founded(owner, "Order")
      yield* invited(path, owner, `early@${domain}`, "member")
      yield* join("zoe", path, owner, "member")
      yield* join("bob", path, owner, "admin")
      const { session } = owner
      const listed = (query: string) =>
        Effect.map(call("GET", `${path}/members${query}`, { key, session }), ({ json }) => json)
      const page = yield* listed("?pageSize=3")
      assert.deepStrictEqual(
        [page.total, page.data.map(({ name }: { name: string }) => name)],
        [4, ["ada", "zoe", "bob"]],
      )
      const [open, ...others] = (yield* listed("?pageSize=3&page=2")).data
      assert.include(open, { email: `early@${domain}`, userId: "", name: "", role: "member", status: "invited" })
      assert.notProperty(open, "joinedAt")
      assert.lengthOf(others, 0)
      assert.deepStrictEqual((yield* listed("?status=invited")).data, [open])
      assert.strictEqual((yield* listed("?status=active")).total, 3)
      assert.deepStrictEqual(yield* outcome("GET", `${path}/members?status=gone`, { key, session }), [
        400,
        "invalid_request",
      ])
      assert.strictEqual((yield* call("GET", path, { key, session })).json.memberCount, 3)
    }),
  )

  it.effect("leave when they like, and are removed, unless nobody would own the organization", () =>
    Effect.gen(function* () {
      const { path, first, second } = yield* withTwoOwners("pair")
      const member = yield* join("pair-member", path, first, "member")
      const as = ({ session }: Person, body?: unknown) => ({ key, session, body })
      assert.deepStrictEqual(yield* outcome("PATCH", second.memberPath, as(first, { role: "admin" })), [200, ""])
      for (const [method, at, body] of [
        ["PATCH", first.memberPath, { role: "admin" }],
        ["DELETE", first.memberPath, undefined],
        ["DELETE", `${path}/membership`, undefined],
      ] as const) {
        assert.deepStrictEqual(yield* outcome(method, at, as(first, body)), [...lastOwner], method)
      }
      // Who is only invited to own it does not own it.
      yield* invited(path, first, `heir@${domain}`, "owner")
      assert.deepStrictEqual(yield* leave(path, first), [...lastOwner])

      assert.deepStrictEqual(yield* leave(path, member), [204, ""])
      assert.deepStrictEqual(yield* leave(path, member), [404, "not_a_member"])
      assert.deepStrictEqual(yield* outcome("DELETE", member.memberPath, as(first)), [404, "not_a_member"])
      assert.deepStrictEqual(yield* outcome("GET", path, as(member)), [404, "not_found"])
      assert.deepStrictEqual(yield* outcome("PATCH", second.memberPath, as(first, { role: "owner" })), [200, ""])
      assert.deepStrictEqual(yield* leave(path, first), [204, ""])
      assert.deepStrictEqual(
        (yield* membersOf(path, second)).map(({ id }: { id: string }) => id),
        [second.memberId],
      )
      assert.deepStrictEqual(yield* leave(path, second), [...lastOwner])
    }),
  )

  it.effect("keep an owner when two go at the same time, whichever way", () =>
    Effect.gen(function* () {
      const ways = (path: string, at: string, by: Person) => [
        outcome("DELETE", `${path}/membership`, { session: by.session }),
        outcome("DELETE", at, { key, session: by.session }),
        outcome("PATCH", at, { key, session: by.session, body: { role: "member" } }),
      ]
      for (const [a, b] of [
        [0, 0],
        [1, 1],
        [2, 2],
        [0, 1],
        [1, 2],
        [2, 0],
      ] as const) {
        const { path, first, second } = yield* withTwoOwners(`race-${a}-${b}`)
        const going = [ways(path, first.memberPath, first)[a], ways(path, second.memberPath, second)[b]]
        const outcomes = yield* Effect.all(
          going.map((each) => each ?? Effect.die("no such way")),
          { concurrency: "unbounded" },
        )
        const refused = outcomes.filter(([status]) => status === 409)
        assert.deepStrictEqual(refused, [[...lastOwner]], `${a} ${b}`)
        const stayed = outcomes[0]?.[0] === 409 ? first : second
        const owners = (yield* membersOf(path, stayed)).filter(({ role }: { role: string }) => role === "owner")
        assert.deepStrictEqual(
          owners.map(({ email }: { email: string }) => email),
          [stayed.email],
        )
      }
    }),
  )

  it.effect("keep an owner when two remove or demote one another at the same time", () =>
    Effect.gen(function* () {
      for (const [method, body] of [
        ["DELETE", undefined],
        ["PATCH", { role: "admin" }],
      ] as const) {
        const { path, first, second } = yield* withTwoOwners(`duel-${method.toLowerCase()}`)
        const outcomes = yield* Effect.all(
          [
            outcome(method, second.memberPath, { key, session: first.session, body }),
            outcome(method, first.memberPath, { key, session: second.session, body }),
          ],
          { concurrency: "unbounded" },
        )
        // Who came second is not an owner any more: nobody's member, or one who may not.
        assert.lengthOf(
          outcomes.filter(([status]) => status < 300),
          1,
        )
        assert.deepStrictEqual(
          outcomes.filter(([status]) => status >= 300),
          [body === undefined ? [404, "not_found"] : [403, "permission_denied"]],
        )
        const winner = (outcomes[0]?.[0] ?? 500) < 300 ? first : second
        const owners = (yield* membersOf(path, winner)).filter(({ role }: { role: string }) => role === "owner")
        assert.lengthOf(owners, 1)
      }
    }),
  )
})

const limited = { ...instanceEnvironment, MAX_OWNED_ORGANIZATIONS: "2", MAX_ORGANIZATION_MEMBERS: "3" }

layer(running(limited), { excludeTestServices: true })("an installation's limits", (it) => {
  it.effect("hold for what one user owns, however fast", () =>
    Effect.gen(function* () {
      const user = yield* signedUp("limits.test")("ada")
      const make = outcome("POST", "/organizations", { key, session: user.session, body: { name: "One of them" } })
      const outcomes = yield* Effect.all([make, make, make, make, make], { concurrency: "unbounded" })
      const reasons = outcomes.map(([status, reason]) => `${status} ${reason}`).sort()
      assert.deepStrictEqual(reasons, ["201 ", "201 ", ...Array.from({ length: 3 }, () => "409 limit_reached")])
    }),
  )

  it.effect("hold for the members and open invitations of one organization", () =>
    Effect.gen(function* () {
      const owner = yield* signedUp("limits.test")("grace")
      const { path } = yield* founded(owner, "Small")
      const invite = (email: string) =>
        outcome("POST", `${path}/members`, { key, session: owner.session, body: { email: `${email}@limits.test` } })
      assert.deepStrictEqual(yield* invite("one"), [201, ""])
      const open = yield* invited(path, owner, "two@limits.test", "member")
      assert.deepStrictEqual(yield* invite("three"), [409, "limit_reached"])
      assert.deepStrictEqual(yield* invite("one"), [201, ""])
      assert.strictEqual((yield* call("DELETE", open.path, { key, session: owner.session })).status, 204)
      assert.deepStrictEqual(yield* invite("three"), [201, ""])
    }),
  )
})
