import * as Option from "effect/Option"
import { describe, expect, it } from "vitest"
import { UserId } from "../users/User.ts"
import { subjectOf } from "./FunctionCall.ts"
import { functionCall, zitadelUser } from "./testing/SignedCall.ts"

const id = UserId.make("01890a5d-ac96-774b-bcce-b302099a8057")
const idOf = (event: unknown) => Option.map(subjectOf(event), (subject) => subject.id)
const ours = Option.some(Option.some(id))
const nobody = Option.some(Option.none())
const base64 = (text: string) => Buffer.from(text).toString("base64")
const withMetadata = (value: string) => ({ ...functionCall(), user_metadata: [{ key: "nova_user_id", value }] })

describe("a call of a function", () => {
  it("is about the user that the metadata names, in each of the forms of an id", () => {
    for (const form of [id, id.replaceAll("-", ""), id.toUpperCase(), JSON.stringify(id)]) {
      expect(idOf(functionCall(form))).toEqual(ours)
    }
  })

  it("is about Zitadel's user where none is named", () => {
    const user = { ...zitadelUser, id }
    expect(idOf({ ...functionCall(), user })).toEqual(ours)
    expect(idOf({ ...functionCall(), user, user_metadata: null })).toEqual(ours)
    expect(
      idOf({ ...functionCall(), user, user_metadata: [{ key: "other", value: base64("x") }, { key: "bare" }] }),
    ).toEqual(ours)
    expect(idOf(functionCall())).toEqual(nobody)
  })

  it("is about nobody of ours where what is named is no id: never about another", () => {
    const user = { ...zitadelUser, id }
    for (const value of ["", "%%%", base64(""), base64("nobody"), base64(`${id}0`), id]) {
      expect(idOf({ ...withMetadata(value), user })).toEqual(nobody)
    }
  })

  it("carries what was noted, if that is what we note", () => {
    const notedIn = (text: string) => {
      const metadata = [{ key: "nova_claims", value: base64(text) }]
      const call = { ...functionCall(), user: { ...zitadelUser, id }, user_metadata: metadata }
      return Option.flatMap(subjectOf(call), ({ noted }) => noted)
    }
    const claims = { name: "Ada", email_verified: true, created_at: 7, picture: null }
    expect(notedIn(JSON.stringify(claims))).toEqual(Option.some(claims))
    for (const text of ["", "{", "[]", "7", "null", '{"name":{}}']) expect(notedIn(text)).toEqual(Option.none())
    expect(Option.flatMap(subjectOf(functionCall(id)), ({ noted }) => noted)).toEqual(Option.none())
  })

  it("carries no note that says nothing, or was made of somebody else", () => {
    const noted = (claims: object) => {
      const { user_metadata: metadata = [], ...call } = functionCall(id)
      const note = { key: "nova_claims", value: base64(JSON.stringify(claims)) }
      return Option.flatMap(subjectOf({ ...call, user_metadata: [...metadata, note] }), (subject) => subject.noted)
    }
    expect(Option.isSome(noted({ sub: id, name: "Ada" }))).toBe(true)
    for (const claims of [{}, { sub: id }, { sub: id, name: 7 }, { sub: `${id.slice(1)}0`, name: "Ada" }]) {
      expect(noted(claims)).toEqual(Option.none())
    }
  })

  it("is one of two functions, and may say more than we know", () => {
    expect(idOf({ ...functionCall(id), function: "function/preuserinfo", more: { of: ["it"] } })).toEqual(ours)
    for (const name of ["function/presamlresponse", "preaccesstoken", "", undefined]) {
      expect(subjectOf({ ...functionCall(id), function: name })).toEqual(Option.none())
    }
  })

  it.each([
    {},
    { function: "function/preuserinfo" },
    { ...functionCall(id), user: {} },
    { ...functionCall(id), user: { id: "" } },
    { ...functionCall(id), user: { id: 7 } },
    { ...functionCall(id), user_metadata: "none" },
    { ...functionCall(id), user_metadata: [{ value: "x" }] },
    { ...functionCall(id), user_metadata: [{ key: "nova_user_id", value: 7 }] },
  ])("is not what has not its form: %#", (event) => {
    expect(subjectOf(event)).toEqual(Option.none())
  })
})
