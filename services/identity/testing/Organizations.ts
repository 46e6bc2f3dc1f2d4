/** Organizations of end users, and people in every role of them. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { eventually } from "#shared/testing/eventually.ts"
import { call, signedUp } from "./EndUsers.ts"
import { lettersTo, tokenIn } from "./Letters.ts"
import type { KeyOptions } from "./TestIdentity.ts"

/** What a customer's backend has. */
export const key: KeyOptions = { kind: "secret", scopes: ["organizations:read", "organizations:write"] }

export interface Person {
  readonly session: string
  readonly email: string
}

/** A new organization, as its founder sees it. */
export const founded = Effect.fnUntraced(function* ({ session }: Person, name: string) {
  const { status, json } = yield* call("POST", "/organizations", { key, session, body: { name } })
  assert.strictEqual(status, 201)
  return { id: String(json.id), path: `/organizations/${json.id}`, json }
})

const tokensTo = (email: string) =>
  Effect.map(
    lettersTo(email, "You are invited to an organization"),
    (letters) => new Map(letters.map((each) => [tokenIn(each), each])),
  )

/** Invites an address by mail, and reads the token from it. */
export const invited = Effect.fnUntraced(function* (path: string, by: Person, email: string, role: string) {
  const before = yield* tokensTo(email)
  const { status, json } = yield* call("POST", `${path}/members`, { key, session: by.session, body: { email, role } })
  assert.strictEqual(status, 201)
  const [token, letter] = yield* eventually(
    Effect.flatMap(tokensTo(email), (letters) =>
      Effect.fromNullishOr([...letters].find(([each]) => !before.has(each))),
    ),
  )
  return { id: String(json.id), path: `${path}/members/${json.id}`, json, letter, token }
})

export const accepted = (person: Person, token: string) =>
  call("POST", "/organizations/invitations/accept", { session: person.session, body: { token } })

/** A new account that joins the organization. */
export const joined = (domain: string) =>
  Effect.fnUntraced(function* (name: string, path: string, by: Person, role: string) {
    const person = yield* signedUp(domain)(name)
    const invitation = yield* invited(path, by, person.email, role)
    const { status, json } = yield* accepted(person, invitation.token)
    assert.deepStrictEqual([status, json.member.id], [200, invitation.id])
    return { ...person, memberId: invitation.id, memberPath: invitation.path }
  })

/** The place of who made an organization. */
export const founderPath = Effect.fnUntraced(function* (path: string, { session }: Person) {
  const { json } = yield* call("GET", `${path}/members`, { key, session })
  return `${path}/members/${json.data[0].id}`
})
