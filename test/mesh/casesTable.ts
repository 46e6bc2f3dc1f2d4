/** What every protocol answers, on either way through the server, as data: a call, and the answer that it must get. */
import { gzipSync } from "node:zlib"
import type { DescMethodUnary } from "@bufbuild/protobuf"
import { ErrorReason } from "#gen/authsome/mesh/v1/error_reason_pb.ts"
import { ItemKind, ProbeService } from "#gen/authsome/testing/v1/probe_pb.ts"
import { classes, type PublicError } from "#shared/rpc/PublicError.ts"
import type { Answer, Wire } from "./casesWire.ts"

export interface Ask {
  readonly method: DescMethodUnary
  /** The empty message where unset. */
  readonly request?: Record<string, unknown>
  /** Made of the well-formed body, in place of it. */
  readonly body?: (wellFormed: Buffer, wire: Wire) => Uint8Array
  readonly headers?: (wire: Wire) => Readonly<Record<string, string>>
  readonly path?: string
  readonly verb?: string
}

export interface Expected extends Partial<Omit<Answer, "raw" | "json">> {
  /** The response message. */
  readonly answer?: object
  readonly raw?: { readonly status?: number; readonly headers?: object }
}

export interface Case {
  readonly name: string
  /** Which protocols can say this at all. All where unset. */
  readonly of?: (wire: Wire) => boolean
  readonly ask: Ask
  readonly expected: Expected | ((wire: Wire) => Expected)
}

const { echo, getItem, listItems, misbehave } = ProbeService.method
const item = {
  id: "itm_1",
  displayName: "Grüße 100 %",
  kind: ItemKind.SQUARE,
  sizeBytes: 6_000_000_000n,
  labels: ["a"],
}
const invalid = { code: "invalid_argument" }
const isFramed = (wire: Wire) => wire.framed
const isConnect = (wire: Wire) => !wire.framed

const codes = {
  InvalidRequest: "invalid_argument",
  Unauthenticated: "unauthenticated",
  PermissionDenied: "permission_denied",
  NotFound: "not_found",
  AlreadyExists: "already_exists",
  FailedPrecondition: "failed_precondition",
  Aborted: "aborted",
  ResourceExhausted: "resource_exhausted",
  Unavailable: "unavailable",
  Unimplemented: "unimplemented",
  DeadlineExceeded: "deadline_exceeded",
  Canceled: "canceled",
  Internal: "internal",
} satisfies Record<PublicError["_tag"], string>

/** The kit's own kinds of refusal, each with its facts. */
const refusals: ReadonlyArray<Case> = Object.keys(classes).map((how) => ({
  name: `${how} keeps its reason, facts, retry time and message`,
  ask: { method: misbehave, request: { how, reason: ErrorReason.SLUG_TAKEN } },
  expected: {
    code: Object.entries(codes).find(([tag]) => tag === how)?.[1] ?? "",
    message: "as asked: 50 % ünïcode",
    reason: "SLUG_TAKEN",
    metadata: { slug: "acme" },
    retryAfterMs: 1500,
  },
}))

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

const refused: ReadonlyArray<Case> = [
  {
    name: "a broken rule names its field",
    ask: { method: echo, request: { item: { displayName: "" } } },
    expected: {
      code: "invalid_argument",
      reason: "INVALID_REQUEST",
      violations: [{ field: "item.display_name", description: "must be at least 1 characters" }],
    },
  },
  {
    name: "a missing field is named",
    ask: { method: echo },
    expected: { ...invalid, violations: [{ field: "item", description: "value is required" }] },
  },
  {
    name: "a caller without credentials is refused",
    ask: { method: getItem, request: { itemId: "x" } },
    expected: { code: "unauthenticated", reason: "UNAUTHENTICATED" },
  },
  ...["defect", "garbled"].map((how) => ({
    name: `a defect is hidden (${how})`,
    ask: { method: misbehave, request: { how } },
    expected: { code: "internal", message: "internal error", reason: "INTERNAL", metadata: {} },
  })),
  {
    name: "a deadline ends the handler",
    ask: { method: misbehave, request: { how: "slow" }, headers: (wire) => wire.timeout(40) },
    expected: { code: "deadline_exceeded", reason: "DEADLINE_EXCEEDED" },
  },
  {
    name: "no time at all is too little",
    ask: { method: misbehave, request: { how: "slow" }, headers: (wire) => wire.timeout(0) },
    expected: { code: "deadline_exceeded" },
  },
  ...["abc", "-1m", "123456789123m", ""].map((value) => ({
    name: `a malformed timeout is refused ("${value}")`,
    ask: {
      method: listItems,
      headers: (wire: Wire) => Object.fromEntries(Object.keys(wire.timeout(1)).map((name) => [name, value])),
    },
    expected: invalid,
  })),
]

const flagged = (flags: number, message: Uint8Array): Buffer => {
  const frame = Buffer.alloc(5 + message.length)
  frame[0] = flags
  frame.writeUInt32BE(message.length, 1)
  frame.set(message, 5)
  return frame
}

/** Bodies that are not what the protocol says. */
const malformed: ReadonlyArray<Case> = [
  ...[
    { name: "half a head", body: () => Buffer.alloc(3), code: "invalid_argument" },
    { name: "a truncated frame", body: (frame: Buffer) => frame.subarray(0, -1), code: "invalid_argument" },
    {
      name: "bytes after the frame",
      body: (frame: Buffer) => Buffer.concat([frame, Buffer.alloc(2)]),
      code: "invalid_argument",
    },
    // gRPC, "Status codes and their use": a request cardinality violation is UNIMPLEMENTED.
    { name: "two frames", body: (frame: Buffer) => Buffer.concat([frame, frame]), code: "unimplemented" },
    { name: "no frame", body: () => Buffer.alloc(0), code: "unimplemented" },
    // gRPC, "Compression": a compressed message without a message encoding is INTERNAL.
    {
      name: "a frame compressed with nothing",
      body: (frame: Buffer) => flagged(1, frame.subarray(5)),
      code: "internal",
    },
    {
      name: "a frame larger than the limit",
      body: () => flagged(0, Buffer.alloc(4 * 1024 * 1024 + 1)),
      code: "resource_exhausted",
    },
  ].map(({ name, body, code }) => ({
    name: `${name} is refused`,
    of: isFramed,
    ask: { method: echo, request: { item }, body },
    expected: { code },
  })),
  {
    name: "bytes that are no message are refused",
    ask: {
      method: echo,
      body: (_, wire) => (wire.framed ? flagged(0, Buffer.from([0xff, 0xff])) : Buffer.from([0xff, 0xff])),
    },
    expected: invalid,
  },
  {
    name: "a body larger than the limit is refused",
    of: isConnect,
    ask: { method: echo, body: () => Buffer.alloc(4 * 1024 * 1024 + 1, 0x20) },
    expected: { code: "resource_exhausted", raw: { status: 429 } },
  },
  {
    name: "a body larger than the limit is refused, though its length was not told",
    of: isConnect,
    ask: {
      method: echo,
      body: () => Buffer.alloc(4 * 1024 * 1024 + 1, 0x20),
      headers: () => ({ "transfer-encoding": "chunked" }),
    },
    expected: { code: "resource_exhausted", raw: { status: 429 } },
  },
  {
    name: "an empty body is no JSON",
    of: ({ name }) => name === "Connect JSON",
    ask: { method: listItems, body: () => Buffer.alloc(0) },
    expected: invalid,
  },
  {
    name: "truncated JSON is refused",
    of: ({ name }) => name === "Connect JSON",
    ask: { method: echo, request: { item }, body: (bytes) => bytes.subarray(0, -1) },
    expected: invalid,
  },
  {
    name: "an unknown encoding is refused, and the message tells the known ones",
    ask: { method: echo, request: { item }, headers: ({ encodingHeader }) => ({ [encodingHeader]: "zstd" }) },
    expected: { code: "unimplemented", message: 'unknown compression "zstd": supported encodings are gzip,br' },
  },
]

/** Where there is nothing to call. */
const elsewhere: ReadonlyArray<Case> = [
  ...["/authsome.testing.v1.ProbeService/Nothing", "/authsome.testing.v1.NoService/Echo"].flatMap((path) => [
    {
      name: `an unknown rpc is unimplemented (${path})`,
      ask: { method: listItems, path },
      expected: (wire: Wire) => ({ code: "unimplemented", raw: { status: wire.framed ? 200 : 404 } }),
    },
  ]),
  {
    name: "another content type is refused",
    ask: { method: listItems, headers: () => ({ "content-type": "text/plain" }) },
    expected: { raw: { status: 415 } },
  },
  {
    name: "GET changes nothing",
    ask: { method: misbehave, verb: "GET" },
    expected: { raw: { status: 405 } },
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

export const cases: ReadonlyArray<Case> = [
  ...wellFormed,
  ...largest,
  ...refusals,
  ...refused,
  ...malformed,
  ...elsewhere,
]
