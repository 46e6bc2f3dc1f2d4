/** Calls that are taken. */
import { gzipSync } from "node:zlib"
import { ProbeService } from "#gen/authsome/testing/v1/probe_pb.ts"
import { type Case, flagged, item } from "./casesCase.ts"

const { echo, listItems } = ProbeService.method

const wellFormed: ReadonlyArray<Case> = [
  {
    name: "a message comes back as it was sent",
    ask: { method: echo, request: { item, requestId: "k-1" } },
    expected: {
      code: "ok",
      answer: {
        item: {
          id: "itm_1",
          displayName: "Grüße 100 %",
          kind: "ITEM_KIND_SQUARE",
          sizeBytes: "6000000000",
          labels: ["a"],
        },
        requestId: "k-1",
      },
    },
  },
  { name: "an empty message is one", ask: { method: listItems }, expected: { code: "ok", answer: {} } },
  {
    name: "text and binary metadata arrive and return as they are",
    ask: { method: listItems, headers: () => ({ "x-note": "a, b", "x-note-bin": "AP/+gA" }) },
    expected: { code: "ok", raw: { headers: { "x-note": "a, b", "x-note-bin": "AP/+gA" } } },
  },
  {
    name: "the request id of the caller is taken and told",
    ask: { method: listItems, headers: () => ({ "x-request-id": "req_given12345" }) },
    expected: { code: "ok", raw: { headers: { "x-request-id": "req_given12345" } } },
  },
  {
    name: "a compressed request is read",
    ask: {
      method: echo,
      request: { item },
      headers: ({ encodingHeader }) => ({ [encodingHeader]: "gzip" }),
      body: (bytes, wire) => (wire.framed ? flagged(1, gzipSync(bytes.subarray(5))) : gzipSync(bytes)),
    },
    expected: { code: "ok", answer: { item: { id: "itm_1" } } },
  },
  {
    name: "encoding identity is no encoding",
    ask: { method: listItems, headers: ({ encodingHeader }) => ({ [encodingHeader]: "identity" }) },
    expected: { code: "ok" },
  },
]

/** A message of the largest size that is taken, to the byte, for the protocols that count bytes. */
const largest: ReadonlyArray<Case> = [
  {
    name: "a message as large as the limit is read",
    of: ({ name }) => name !== "Connect JSON",
    ask: {
      method: listItems,
      body: (_, wire) => {
        // One unknown field fills the message: tag and length take six bytes.
        const message = Buffer.alloc(4 * 1024 * 1024)
        const length = message.length - 6
        message.set([
          0xfa,
          0x01,
          (length & 0x7f) | 0x80,
          ((length >> 7) & 0x7f) | 0x80,
          ((length >> 14) & 0x7f) | 0x80,
          length >> 21,
        ])
        return wire.framed ? flagged(0, message) : message
      },
    },
    expected: { code: "ok" },
  },
]

export const taken: ReadonlyArray<Case> = [...wellFormed, ...largest]
