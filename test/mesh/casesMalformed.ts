/** Calls that are not said as their protocol says them. */
import { ProbeService } from "#gen/authsome/testing/v1/probe_pb.ts"
import { type Case, flagged, item } from "./casesCase.ts"
import type { Wire } from "./casesWire.ts"

const { echo, listItems } = ProbeService.method
const invalid = { code: "invalid_argument" }
const isFramed = (wire: Wire) => wire.framed
const isConnect = (wire: Wire) => !wire.framed

/** Bodies that are not what the protocol says. */
export const malformed: ReadonlyArray<Case> = [
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
