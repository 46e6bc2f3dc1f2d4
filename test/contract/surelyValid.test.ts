/** The quick look never takes what protovalidate refuses, and takes what usually comes. */
import { create, ScalarType } from "@bufbuild/protobuf"
import { createValidator } from "@bufbuild/protovalidate"
import { describe, expect, it } from "vitest"
import { GetWorkspaceRequestSchema } from "#gen/authsome/control/v1/workspace_pb.ts"
import { EchoRequestSchema, ItemKind, ListItemsRequestSchema } from "#gen/authsome/testing/v1/probe_pb.ts"
import { surelyValid } from "#shared/rpc/surelyValid.ts"
import { generated, messagesOf, randomFrom, randomMessage } from "./randomMessage.ts"

const messages = messagesOf(generated.filter(({ proto }) => proto.package.startsWith("authsome.")))
const validator = createValidator()

describe("what is surely valid is valid", () => {
  it.each(messages.map((desc) => [desc.typeName, desc] as const))("%s", (_, desc) => {
    const random = randomFrom(desc.typeName.length)
    for (let round = 0; round < 40; round++) {
      const message = randomMessage(desc, random)
      if (surelyValid(desc, message)) expect(validator.validate(desc, message).kind).toBe("valid")
    }
  })
})

it.each(messages.map((desc) => [desc.typeName, desc] as const))("a NUL in a text of %s is seen", (_, desc) => {
  for (const { fieldKind, scalar, localName, oneof } of desc.fields) {
    if (scalar !== ScalarType.STRING || (fieldKind !== "scalar" && fieldKind !== "list")) continue
    const value = fieldKind === "list" ? ["a\0b"] : "a\0b"
    const init = oneof === undefined ? { [localName]: value } : { [oneof.localName]: { case: localName, value } }
    expect(surelyValid(desc, create(desc, init)), localName).toBe(false)
  }
})

it("most of what is valid is surely so, and much of what was tried is not", () => {
  const random = randomFrom(1)
  const count = { surely: 0, valid: 0, invalid: 0 }
  for (const desc of messages) {
    for (let round = 0; round < 10; round++) {
      const message = randomMessage(desc, random)
      const isValid = validator.validate(desc, message).kind === "valid"
      count[isValid ? "valid" : "invalid"] += 1
      if (surelyValid(desc, message)) count.surely += 1
    }
  }
  expect(count.surely / count.valid).toBeGreaterThan(0.7)
  expect(count.invalid).toBeGreaterThan(1000)
})

it("usual requests are taken", () => {
  const price = { currency: "USD", minorUnits: 4750n }
  const item = { id: "itm_1", displayName: "Ada", kind: ItemKind.ROUND, labels: ["one"], price, note: "" }
  const echo = create(EchoRequestSchema, { requestId: "req_1", item })
  expect(surelyValid(EchoRequestSchema, echo)).toBe(true)
  const workspaceId = "ws_agq763sa75337nxfbwal4vct7a"
  expect(surelyValid(GetWorkspaceRequestSchema, create(GetWorkspaceRequestSchema, { workspaceId }))).toBe(true)
  expect(surelyValid(ListItemsRequestSchema, create(ListItemsRequestSchema, { page: 2 }))).toBe(true)
})

it("what is in a recursive message is looked at too", () => {
  const bad = create(EchoRequestSchema, { item: { displayName: "a", parts: { one: { displayName: "" } } } })
  expect(surelyValid(EchoRequestSchema, bad)).toBe(false)
  expect(validator.validate(EchoRequestSchema, bad).kind).toBe("invalid")
})
