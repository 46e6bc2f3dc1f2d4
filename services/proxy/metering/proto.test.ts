import { fromBinary } from "@bufbuild/protobuf"
import { createValidator } from "@bufbuild/protovalidate"
import { expect, it } from "vitest"
import { RequestBatchSchema } from "#gen/authsome/proxy/v1/events_pb.ts"
import { batchId, encodeBatch, toBatch } from "./proto.ts"
import { monthOf, type ServedRequest } from "./ServedRequest.ts"

const served: ServedRequest = {
  requestId: "req_1",
  applicationId: "app_x",
  workspaceId: "ws_x",
  keyId: "key_x",
  method: "POST",
  route: "/auth/signup",
  status: 201,
  durationMs: 12.6,
  bytesSent: 300,
  bytesReceived: 40,
  activeUser: "usr_x",
  at: Date.UTC(2026, 0, 31, 23, 59, 59, 500),
}

it("a batch keeps the contract and loses nothing on the wire", () => {
  const batch = toBatch("prx_1", 7, [served, { ...served, activeUser: "", route: "" }])
  expect(createValidator().validate(RequestBatchSchema, batch).kind).toBe("valid")
  const again = fromBinary(RequestBatchSchema, encodeBatch(batch))
  expect(again.batchId).toBe(batchId("prx_1", 7))
  expect(again.events[0]).toMatchObject({ requestId: "req_1", status: 201, durationMs: 13n, activeUser: true })
  expect(again.events[0]?.occurredAt).toMatchObject({ nanos: 500_000_000 })
  expect(again.events[1]).toMatchObject({ userId: "", activeUser: false })
})

it("months are those of UTC", () => {
  expect([monthOf(served.at), monthOf(served.at + 500)]).toEqual(["2026-01", "2026-02"])
})
