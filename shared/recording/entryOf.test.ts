import { create, type DescMethodUnary, type MessageInitShape } from "@bufbuild/protobuf"
import { describe, expect, it } from "vitest"
import { KeyService, KeyType } from "#gen/authsome/control/v1/key_pb.ts"
import { WorkspaceService } from "#gen/authsome/control/v1/workspace_pb.ts"
import type { CallerIdentity } from "../rpc/Caller.ts"
import { policyOf } from "../rpc/Policy.ts"
import type { RecordedCall } from "../rpc/Recorder.ts"
import { entryOf } from "./entryOf.ts"

const facts = {
  rpc: "",
  requestId: "req_abcdefgh",
  remoteAddress: "203.0.113.9",
  certifiedPeer: undefined,
  header: () => undefined,
  setHeader: () => {},
}
const user: CallerIdentity = { _tag: "User", userId: "usr_1", sessionId: "ses_1" }

const callOf = <M extends DescMethodUnary>(
  method: M,
  init: MessageInitShape<M["input"]>,
  caller: CallerIdentity = user,
): RecordedCall => ({
  method,
  policy: policyOf(method),
  request: create(method.input, init),
  idempotencyKey: "",
  facts,
  caller,
  grant: { container: "ws_1" },
})

const createKey = callOf(KeyService.method.createKey, {
  applicationId: "app_1",
  name: "the key of ada@example.com",
  type: KeyType.SECRET,
  requestId: "once",
})

describe("the audit entry of a call", () => {
  it("says who did what to which resource, in which container", () => {
    expect(entryOf(createKey, { type: "key", id: "key_1" })).toMatchObject({
      action: "key.created",
      rpc: "authsome.control.v1.KeyService/CreateKey",
      actor: { kind: "user", id: "usr_1" },
      container: "ws_1",
      resource: { type: "key", id: "key_1" },
    })
  })

  it("names fields and ids, and no value", () => {
    const entry = entryOf(createKey, { type: "key", id: "key_1" })
    expect(entry?.details).toEqual({ fields: ["name", "type"], applicationId: "app_1" })
    expect(JSON.stringify(entry)).not.toContain("ada@example.com")
  })

  it("is about the resource of the contract's scope where the handler tells nothing", () => {
    const update = callOf(WorkspaceService.method.updateWorkspace, { workspaceId: "ws_1", name: "Acme" })
    const entry = entryOf(update, undefined)
    expect([entry?.resource, entry?.details]).toEqual([{ type: "workspace", id: "ws_1" }, { fields: ["name"] }])
  })

  it("is of the container that the handler names", () => {
    const made = callOf(WorkspaceService.method.createWorkspace, { name: "Acme" })
    expect(entryOf(made, { type: "workspace", id: "ws_2", container: "ws_2" })?.container).toBe("ws_2")
  })

  it("cannot be made where neither contract nor handler say what was changed", () => {
    expect(entryOf(callOf(WorkspaceService.method.createWorkspace, { name: "Acme" }), undefined)).toBeUndefined()
  })

  it.each([
    [{ _tag: "Key", key: { applicationId: "app_1", keyId: "key_1", kind: "public", scopes: [] } }, "key", "key_1"],
    [{ _tag: "Peer", name: "billing" }, "peer", "billing"],
    [{ _tag: "Anonymous" }, "anonymous", ""],
  ] satisfies ReadonlyArray<readonly [CallerIdentity, string, string]>)("names the caller %o", (caller, kind, id) => {
    const deleted = callOf(KeyService.method.deleteKey, { applicationId: "app_1", keyId: "key_1" }, caller)
    expect(entryOf(deleted, undefined)?.actor).toEqual({ kind, id })
  })
})
