/** The mesh's client and a server of @grpc/grpc-js. */
import { create } from "@bufbuild/protobuf"
import { describe, expect, it } from "@effect/vitest"
import * as grpc from "@grpc/grpc-js"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { CountResponseSchema } from "#gen/authsome/testing/v1/probe_pb.ts"
import { Deadline } from "#shared/rpc/Deadline.ts"
import { RequestId } from "#shared/telemetry/RequestId.ts"
import { type StreamCall, startForeign, statusWith, type UnaryCall } from "./clientForeign.ts"
import { counted, item, probeOf, until } from "./clientKit.ts"
import { relayTo } from "./clientRelay.ts"

const numbers = (call: StreamCall, ...all: ReadonlyArray<number>) => {
  for (const number of all) call.write(create(CountResponseSchema, { number }))
}

describe("a unary call", () => {
  it.live("is answered, however large the messages are", () =>
    Effect.gen(function* () {
      const sizes: Array<number> = []
      const server = yield* startForeign({
        misbehave: (call, answer) => {
          sizes.push(Buffer.byteLength(String(Reflect.get(call.request, "itemId"))))
          answer(null, { attempts: 1 })
        },
        listItems: (_, answer) => answer(null, { data: [{ displayName: "y".repeat(4 * 1024 * 1024) }], total: 1 }),
        echo: (_, answer) => answer(null, {}),
      })
      const probe = yield* probeOf(server.port)
      yield* probe.misbehave({ itemId: "x".repeat(4 * 1024 * 1024) })
      expect(sizes).toEqual([4 * 1024 * 1024])
      const { data } = yield* probe.listItems({})
      expect(data[0]?.displayName.length).toBe(4 * 1024 * 1024)
      expect(yield* probe.echo({ item })).toMatchObject({ requestId: "" })
    }),
  )

  it.live("brings back an error with its details, in trailers alone and after headers", () =>
    Effect.gen(function* () {
      const taken = statusWith(grpc.status.ALREADY_EXISTS, "50 % ünïcode\n", {
        reason: "SLUG_TAKEN",
        retryAfterMs: 250,
      })
      const server = yield* startForeign({
        echo: (_, answer) => answer(taken),
        misbehave: (call, answer) => {
          call.sendMetadata(new grpc.Metadata())
          answer(taken)
        },
      })
      const probe = yield* probeOf(server.port)
      const expected = { _tag: "AlreadyExists", reason: "SLUG_TAKEN", message: "50 % ünïcode\n", retryAfterMs: 250 }
      expect(yield* Effect.flip(probe.echo({ item }))).toMatchObject(expected)
      expect(yield* Effect.flip(probe.misbehave({}))).toMatchObject(expected)
    }),
  )

  it.live.each([
    ["CANCELLED", "Canceled"],
    ["UNKNOWN", "Internal"],
    ["INVALID_ARGUMENT", "InvalidRequest"],
    ["DEADLINE_EXCEEDED", "DeadlineExceeded"],
    ["NOT_FOUND", "NotFound"],
    ["PERMISSION_DENIED", "PermissionDenied"],
    ["RESOURCE_EXHAUSTED", "ResourceExhausted"],
    ["FAILED_PRECONDITION", "FailedPrecondition"],
    ["ABORTED", "Aborted"],
    ["OUT_OF_RANGE", "InvalidRequest"],
    ["INTERNAL", "Internal"],
    ["DATA_LOSS", "Internal"],
    ["UNAUTHENTICATED", "Unauthenticated"],
  ] as const)("that fails with a bare %s is a %s", ([code, tag]) =>
    Effect.gen(function* () {
      const server = yield* startForeign({
        misbehave: (_, answer) => answer({ code: grpc.status[code], details: "no details" }),
      })
      const probe = yield* probeOf(server.port)
      expect(yield* Effect.flip(probe.misbehave({}))).toMatchObject({ _tag: tag, message: "no details" })
    }),
  )

  it.live("of an rpc that the server does not have is unimplemented", () =>
    Effect.gen(function* () {
      const server = yield* startForeign({ echo: (_, answer) => answer(null, {}) })
      const probe = yield* probeOf(server.port)
      expect(yield* Effect.flip(probe.whoAmI({}))).toMatchObject({ _tag: "Unimplemented" })
      expect(yield* Effect.flip(Stream.runDrain(probe.count({})))).toMatchObject({ _tag: "Unimplemented" })
    }),
  )

  it.live("carries who calls, the request, the trace and the time that is left", () =>
    Effect.gen(function* () {
      const calls: Array<UnaryCall> = []
      const server = yield* startForeign({
        echo: (call, answer) => {
          calls.push(call)
          answer(null, {})
        },
      })
      const probe = yield* probeOf(server.port)
      const endsAt = Date.now() + 700
      const traceId = yield* Effect.gen(function* () {
        yield* probe.echo({ item })
        return (yield* Effect.currentSpan).traceId
      }).pipe(
        Effect.withSpan("caller"),
        Effect.provideService(RequestId, "req_abcdefgh"),
        Effect.provideService(Deadline, endsAt),
      )
      const [call] = calls
      const sent = (name: string) => call?.metadata.get(name)[0]
      expect(sent("x-mesh-peer")).toBe("tester")
      expect(sent("x-internal-api-key")).toBe("mesh-key-of-the-probe")
      expect(sent("x-request-id")).toBe("req_abcdefgh")
      expect(sent("traceparent")).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`))
      // The server counts from when the call came in.
      expect(Number(call?.getDeadline())).toBeLessThanOrEqual(Date.now() + 700)
    }),
  )

  it.live("that is given up is cancelled at the server, and so is one whose time is up", () =>
    Effect.gen(function* () {
      let [came, cancelled] = [0, 0]
      const server = yield* startForeign({
        misbehave: (call) => {
          came += 1
          call.on("cancelled", () => {
            cancelled += 1
          })
        },
      })
      const probe = yield* probeOf(server.port)
      const call = yield* Effect.forkChild(probe.misbehave({}))
      yield* until(() => came === 1)
      yield* Fiber.interrupt(call)
      yield* until(() => cancelled === 1)
      const late = Effect.provideService(probe.misbehave({}), Deadline, Date.now() + 100)
      expect(yield* Effect.flip(late)).toMatchObject({ _tag: "DeadlineExceeded", reason: "DEADLINE_EXCEEDED" })
      yield* until(() => cancelled === 2)
      const never = Effect.provideService(probe.misbehave({}), Deadline, Date.now() - 1)
      expect(yield* Effect.flip(never)).toMatchObject({ _tag: "DeadlineExceeded" })
      expect(came).toBe(2)
    }),
  )

  it.live("is finished by a server that goes away, and the next one goes to its successor", () =>
    Effect.gen(function* () {
      const held: Array<() => void> = []
      const leaving = yield* startForeign({
        misbehave: (_, answer) => void held.push(() => answer(null, { attempts: 1 })),
      })
      const probe = yield* probeOf(leaving.port)
      const running = yield* Effect.forkChild(probe.misbehave({}))
      yield* until(() => held.length === 1)
      const left = yield* Effect.forkChild(leaving.leave)
      // A server that leaves takes no connection: its port is free for another.
      yield* until(() => left.pollUnsafe() === undefined)
      held[0]?.()
      expect(yield* Fiber.join(running)).toMatchObject({ attempts: 1 })
      yield* Fiber.join(left)
      yield* startForeign({ misbehave: (_, answer) => answer(null, { attempts: 2 }) }, {}, leaving.port)
      expect(yield* probe.misbehave({})).toMatchObject({ attempts: 2 })
    }),
  )
})

it.live("calls are counted by rpc and outcome, and connections while they live", () =>
  Effect.gen(function* () {
    const server = yield* startForeign({
      echo: (_, answer) => answer(null, {}),
      misbehave: (_, answer) => answer({ code: grpc.status.NOT_FOUND, details: "not there" }),
      count: (call) => call.end(),
      listItems: () => {},
    })
    const target = `127.0.0.1:${server.port}`
    const rpc = (name: string) => `authsome.testing.v1.ProbeService/${name}`
    const series = [
      { rpc: rpc("Echo"), outcome: "ok" },
      { rpc: rpc("Misbehave"), outcome: "not_found" },
      { rpc: rpc("Count"), outcome: "ok" },
      { rpc: rpc("ListItems"), outcome: "deadline_exceeded" },
    ]
    const counts = Effect.all(series.map((attributes) => counted("rpc_client_requests_total", attributes)))
    const before = yield* counts
    yield* Effect.scoped(
      Effect.gen(function* () {
        const probe = yield* probeOf(server.port)
        yield* probe.echo({ item })
        yield* Effect.flip(probe.misbehave({}))
        yield* Stream.runDrain(probe.count({}))
        yield* Effect.flip(Effect.provideService(probe.listItems({}), Deadline, Date.now() + 50))
        expect(yield* counted("rpc_client_connections", { target })).toBe(1)
      }),
    )
    expect(yield* counts).toEqual(before.map((count) => count + 1))
    expect(yield* counted("rpc_client_connections", { target })).toBe(0)
  }),
)

describe("a stream", () => {
  it.live("says everything, to its end and to its error", () =>
    Effect.gen(function* () {
      const server = yield* startForeign({
        count: (call) => {
          numbers(call, 1, 2, 3)
          if (Reflect.get(call.request, "fail") === true) {
            call.emit("error", statusWith(grpc.status.NOT_FOUND, "no more", { reason: "NOT_FOUND" }))
          } else call.end()
        },
      })
      const probe = yield* probeOf(server.port)
      const said: Array<number> = []
      const listen = (fail: boolean) =>
        Stream.runForEach(probe.count({ fail }), ({ number }) => Effect.sync(() => void said.push(number)))
      yield* listen(false)
      expect(yield* Effect.flip(listen(true))).toMatchObject({ _tag: "NotFound", message: "no more" })
      expect(said).toEqual([1, 2, 3, 1, 2, 3])
    }),
  )

  it.live("that nobody reads any more is cancelled at the server", () =>
    Effect.gen(function* () {
      let cancelled = 0
      const server = yield* startForeign({
        count: (call) => {
          numbers(call, 1, 2, 3)
          call.on("cancelled", () => {
            cancelled += 1
          })
        },
      })
      const probe = yield* probeOf(server.port)
      expect(yield* Stream.runCollect(Stream.take(probe.count({}), 2))).toHaveLength(2)
      yield* until(() => cancelled === 1)
    }),
  )

  it.live("ends in time, and says that the server is away when it breaks", () =>
    Effect.gen(function* () {
      const server = yield* startForeign({ count: (call) => numbers(call, 1) })
      const relay = yield* relayTo(server.port)
      const probe = yield* probeOf(relay.port)
      const late = Effect.provideService(Stream.runDrain(probe.count({})), Deadline, Date.now() + 150)
      expect(yield* Effect.flip(late)).toMatchObject({ _tag: "DeadlineExceeded" })
      const broken = probe.count({}).pipe(
        Stream.tap(() => relay.cut),
        Stream.runDrain,
      )
      expect(yield* Effect.flip(broken)).toMatchObject({ _tag: "Unavailable" })
    }),
  )
})
