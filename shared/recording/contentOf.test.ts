import { create, fromBinary, fromJson, toBinary } from "@bufbuild/protobuf"
import { describe, expect, it } from "vitest"
import { CreateKeyRequestSchema, KeyType } from "#gen/authsome/control/v1/key_pb.ts"
import { CreateWorkspaceRequestSchema } from "#gen/authsome/control/v1/workspace_pb.ts"
import { contentOf } from "./contentOf.ts"

const key = { applicationId: "app_1", name: "Importer", type: KeyType.SECRET, scopes: ["users:read", "users:write"] }

const workspace = (text: string) => contentOf(fromJson(CreateWorkspaceRequestSchema, JSON.parse(text)))

describe("what a request says", () => {
  it("is the same whatever its idempotency key, and however it came", () => {
    const request = create(CreateKeyRequestSchema, { ...key, expiresAt: { seconds: 5n }, requestId: "one" })
    const other = fromBinary(CreateKeyRequestSchema, toBinary(CreateKeyRequestSchema, { ...request, requestId: "two" }))
    expect(contentOf(other)).toBe(contentOf(request))
  })

  it("is the same in whatever order the members of a document come", () => {
    const one = workspace('{"name":"A","metadata":{"x":{"b":1,"a":[1,{"d":2,"c":null}]},"2":"y","1":true}}')
    const two = workspace('{"metadata":{"1":true,"2":"y","x":{"a":[1,{"c":null,"d":2}],"b":1}},"name":"A"}')
    expect(two).toBe(one)
  })

  it.each([
    ["another text", { ...key, name: "importer" }],
    ["another enum", { ...key, type: KeyType.PUBLIC }],
    ["another order of a list", { ...key, scopes: ["users:write", "users:read"] }],
    ["one element less", { ...key, scopes: ["users:read"] }],
    ["a field more", { ...key, expiresAt: {} }],
  ])("is another one with %s", (_, changed) => {
    const content = contentOf(create(CreateKeyRequestSchema, changed))
    expect(content).not.toBe(contentOf(create(CreateKeyRequestSchema, key)))
  })

  it.each([
    ['{"metadata":{"a":{"b":1}}}', '{"metadata":{"a":[["b",1]]}}'],
    ['{"metadata":{"a":1}}', '{"metadata":{"a":"1"}}'],
    ['{"metadata":{"a":null}}', '{"metadata":{}}'],
    ['{"metadata":{}}', "{}"],
    ['{"name":"a","slug":"b"}', '{"name":"b","slug":"a"}'],
  ])("is not the same for %s and %s", (one, two) => {
    expect(workspace(two)).not.toBe(workspace(one))
  })
})
