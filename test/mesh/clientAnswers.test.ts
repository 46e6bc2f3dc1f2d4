/** Answers that no server of the mesh gives: from a proxy in between, or from something that is broken. */
import { create, toBinary } from "@bufbuild/protobuf"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { EchoResponseSchema } from "#gen/authsome/testing/v1/probe_pb.ts"
import { framed } from "#shared/rpc/http/frame.ts"
import { probeOf } from "./clientKit.ts"
import { answerWith, type RawCall, startRaw } from "./clientRaw.ts"

const frame = framed(toBinary(EchoResponseSchema, create(EchoResponseSchema, { requestId: "r" })))
const compressed = Buffer.concat([Buffer.from([1]), frame.subarray(1)])

const garbled = { _tag: "Internal", message: "the answer is not what the contract says" }

const answers: ReadonlyArray<readonly [string, (call: RawCall) => void, object]> = [
  ["no message at all", ({ stream }) => answerWith(stream, Buffer.alloc(0)), garbled],
  ["half a message", ({ stream }) => answerWith(stream, frame.subarray(0, 6)), garbled],
  ["less than the head of one", ({ stream }) => answerWith(stream, frame.subarray(0, 3)), garbled],
  ["two messages", ({ stream }) => answerWith(stream, Buffer.concat([frame, frame])), garbled],
  ["a compressed message", ({ stream }) => answerWith(stream, compressed), garbled],
  ["another message", ({ stream }) => answerWith(stream, framed(Buffer.from([0xff, 0xff]))), garbled],
  [
    "more than is allowed",
    ({ stream }) => answerWith(stream, Buffer.alloc(5000)),
    { _tag: "ResourceExhausted", reason: "MESSAGE_TOO_LARGE" },
  ],
  ["an unknown status", ({ stream }) => answerWith(stream, frame, { "grpc-status": "99" }), { _tag: "Internal" }],
  ["a status that is none", ({ stream }) => answerWith(stream, frame, { "grpc-status": "fine" }), { _tag: "Internal" }],
  [
    "details that are none",
    ({ stream }) =>
      answerWith(stream, frame, { "grpc-status": "5", "grpc-message": "%zz", "grpc-status-details-bin": "?" }),
    { _tag: "NotFound", message: "%zz" },
  ],
  ["a message without a status", ({ stream }) => answerWith(stream, frame, {}), { _tag: "Unavailable" }],
  ["HTTP 404", ({ stream }) => stream.respond({ ":status": 404 }, { endStream: true }), { _tag: "Unimplemented" }],
  ["HTTP 401", ({ stream }) => stream.respond({ ":status": 401 }, { endStream: true }), { _tag: "Unauthenticated" }],
  ["HTTP 403", ({ stream }) => stream.respond({ ":status": 403 }, { endStream: true }), { _tag: "PermissionDenied" }],
  ["HTTP 503", ({ stream }) => stream.respond({ ":status": 503 }, { endStream: true }), { _tag: "Unavailable" }],
  ["HTTP 500", ({ stream }) => stream.respond({ ":status": 500 }, { endStream: true }), { _tag: "Internal" }],
  [
    "a web page",
    ({ stream }) => {
      stream.respond({ ":status": 200, "content-type": "text/html" })
      stream.end("<html>")
    },
    { _tag: "Internal" },
  ],
]

describe("a unary call that is answered with", () => {
  it.live.each(answers)("%s fails, and the connection goes on", ([, answer, expected]) =>
    Effect.gen(function* () {
      let isOdd = true
      const port = yield* startRaw((call) => {
        if (isOdd) answer(call)
        else answerWith(call.stream, framed(Buffer.alloc(0)))
      })
      const probe = yield* probeOf(port, { maxMessageBytes: 4096 })
      expect(yield* Effect.flip(probe.misbehave({}))).toMatchObject(expected)
      isOdd = false
      yield* probe.misbehave({})
    }),
  )
})

describe("a stream that is answered with", () => {
  it.live.each([
    ["HTTP 503", ({ stream }: RawCall) => stream.respond({ ":status": 503 }, { endStream: true }), "Unavailable"],
    ["half a message", ({ stream }: RawCall) => answerWith(stream, frame.subarray(0, 6)), "InvalidRequest|Internal"],
    ["a message without a status", ({ stream }: RawCall) => answerWith(stream, frame, {}), "Unavailable|Internal"],
  ] as const)("%s fails", ([, answer, tag]) =>
    Effect.gen(function* () {
      const probe = yield* probeOf(yield* startRaw(answer))
      expect(yield* Effect.flip(Stream.runDrain(probe.count({})))).toMatchObject({
        _tag: expect.stringMatching(new RegExp(tag)),
      })
    }),
  )
})
