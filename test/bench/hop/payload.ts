/** What every contestant of the hop sends and gets back. */
import { create } from "@bufbuild/protobuf"
import { timestampFromMs } from "@bufbuild/protobuf/wkt"
import { EchoRequestSchema, ItemKind } from "#gen/authsome/testing/v1/probe_pb.ts"

/** A new message for each call, as in a real program. */
export const makeRequest = () =>
  create(EchoRequestSchema, {
    requestId: "req_agq763sa75337nxfbwal4vct7a",
    item: {
      id: "itm_agq763sa75337nxfbwal4vct7a",
      displayName: "Ada Lovelace",
      kind: ItemKind.ROUND,
      sizeBytes: 5_000_000_000n,
      labels: ["first", "second"],
      price: { currency: "USD", minorUnits: 4750n },
      createdAt: timestampFromMs(1_795_286_000_000),
      note: "as in every hop",
    },
  })

/** What the harness asks of a client: so many calls, so many at a time. */
export interface Calls {
  readonly count: number
  readonly concurrency: number
}

export const isCalls = (message: unknown): message is Calls =>
  typeof message === "object" && message !== null && "count" in message && "concurrency" in message
