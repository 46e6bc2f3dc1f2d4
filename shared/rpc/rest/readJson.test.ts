import { expect, it } from "vitest"
import { VerifyTotpRequestSchema } from "#gen/authsome/control/v1/account_service_pb.ts"
import { violationsOf } from "../validation.ts"
import { fromRestJson } from "./readJson.ts"

it("a choice is made once, and none is named as JSON names it", () => {
  const both = fromRestJson(VerifyTotpRequestSchema, { challengeToken: "t", code: "123456", recoveryCode: "abcdefgh" })
  expect(both).toEqual([{ field: "recoveryCode", description: "cannot be given together with code" }])
  const neither = fromRestJson(VerifyTotpRequestSchema, { challengeToken: "t", code: null })
  const refusal = "$typeName" in neither ? violationsOf(VerifyTotpRequestSchema, neither, "jsonName") : undefined
  expect(refusal?.violations).toEqual([{ field: "proof", description: "exactly one field is required in oneof" }])
})
