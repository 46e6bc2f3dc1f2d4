import { create } from "@bufbuild/protobuf"
import { expect, it } from "vitest"
import { VerifyTotpRequestSchema } from "#gen/authsome/control/v1/account_service_pb.ts"
import { EchoRequestSchema } from "#gen/authsome/testing/v1/probe_pb.ts"
import { violationsOf } from "./validation.ts"

const nul = "a\0b"

it("a text that no database keeps is refused wherever it is, and named", () => {
  const item = {
    displayName: nul,
    labels: ["good", nul],
    price: { currency: "USD\0" },
    parts: { [nul]: { displayName: "key" }, value: { displayName: "value", note: nul } },
  }
  const refusal = violationsOf(EchoRequestSchema, create(EchoRequestSchema, { requestId: nul, item }), "name")
  expect(refusal?.reason).toBe("INVALID_REQUEST")
  const fields = refusal?.violations
    ?.filter(({ description }) => description.includes("U+0000"))
    .map(({ field }) => field)
  expect(fields?.toSorted()).toEqual([
    "item.display_name",
    "item.labels[1]",
    'item.parts["a\\u0000b"]',
    'item.parts["value"].note',
    "item.price.currency",
    "request_id",
  ])
})

it.each([
  ["of a rule", { requestId: nul, item: { displayName: "a" } }, "requestId"],
  ["of a list", { item: { displayName: "a", labels: [nul] } }, "item.labels[0]"],
  ["that is optional", { item: { displayName: "a", note: nul } }, "item.note"],
  [
    "deep inside",
    { item: { displayName: "a", parts: { one: { displayName: nul } } } },
    'item.parts["one"].displayName',
  ],
])("a text %s that breaks nothing else is refused", (_, request, field) => {
  const refusal = violationsOf(EchoRequestSchema, create(EchoRequestSchema, request), "jsonName")
  expect(refusal?.violations).toEqual([{ field, description: "must not hold a NUL (U+0000)" }])
})

it("the text of a choice is named, and not the choice", () => {
  const request = { challengeToken: "t", proof: { case: "code" as const, value: "1\x0023456" } }
  const refusal = violationsOf(VerifyTotpRequestSchema, create(VerifyTotpRequestSchema, request), "jsonName")
  expect(refusal?.violations?.map(({ field }) => field)).toContain("code")
})

it("what a struct holds is for its handler to judge", () => {
  const request = create(EchoRequestSchema, { item: { displayName: "a", extra: { any: nul } } })
  expect(violationsOf(EchoRequestSchema, request, "name")).toBeUndefined()
})
