import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { create, fromBinary, toBinary } from "@bufbuild/protobuf"
import { Code, type ConnectError, createClient } from "@connectrpc/connect"
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node"
import { expect, layer } from "@effect/vitest"
import * as grpc from "@grpc/grpc-js"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { ErrorReason } from "#gen/authsome/mesh/v1/error_reason_pb.ts"
import { EchoRequestSchema, EchoResponseSchema, ProbeService } from "#gen/authsome/testing/v1/probe_pb.ts"
import { ErrorInfoSchema } from "#gen/google/rpc/error_details_pb.ts"
import * as Channel from "#shared/rpc/client/Channel.ts"
import * as Client from "#shared/rpc/client/Client.ts"
import { Deadline } from "#shared/rpc/Deadline.ts"
import { Listening } from "#shared/rpc/Server.ts"
import { RequestId } from "#shared/telemetry/RequestId.ts"
import * as Probe from "./Probe.ts"

const channel = Effect.gen(function* () {
  const { grpcPort } = yield* Listening
  return yield* Channel.make({
    url: new URL(`http://127.0.0.1:${grpcPort}`),
    peer: "tester",
    internalKey: Probe.meshKey,
  })
})
const client = Effect.map(channel, (open) => Client.make(ProbeService, open))

/** Waits for a fact without a fixed pause. */
const until = (fact: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => (fact() ? Effect.void : Effect.andThen(Effect.sleep("5 millis"), until(fact))))

layer(Probe.layer, { excludeTestServices: true })("the mesh's own client and server", (it) => {
  it.effect("say who calls, carry the request id, and shrink the deadline", () =>
    Effect.gen(function* () {
      const probe = yield* client
      const { peer, requestId, leftMs } = yield* probe
        .whoAmI({})
        .pipe(Effect.provideService(RequestId, "req_abcdefgh"), Effect.provideService(Deadline, Date.now() + 700))
      expect([peer, requestId]).toEqual(["tester", "req_abcdefgh"])
      expect(leftMs).toBeLessThanOrEqual(700n)
    }).pipe(Effect.scoped),
  )

  it.effect("refuse a wrong or missing internal key, and take the one that replaces it", () =>
    Effect.gen(function* () {
      const { grpcPort } = yield* Listening
      const ask = (key: string | undefined) =>
        Effect.gen(function* () {
          const url = new URL(`http://127.0.0.1:${grpcPort}`)
          const internalKey = key === undefined ? undefined : Redacted.make(key)
          const open = yield* Channel.make({ url, peer: "stranger", internalKey })
          return yield* Effect.result(Client.make(ProbeService, open).whoAmI({}))
        })
      expect(yield* ask("wrong")).toMatchObject({ failure: { _tag: "Unauthenticated" } })
      expect(yield* ask(undefined)).toMatchObject({ failure: { _tag: "Unauthenticated" } })
      expect(yield* ask("the-key-that-replaces-it")).toMatchObject({ success: { peer: "stranger" } })
    }).pipe(Effect.scoped),
  )

  it.effect("refuse a program that the contract does not name", () =>
    Effect.gen(function* () {
      const { grpcPort } = yield* Listening
      const url = new URL(`http://127.0.0.1:${grpcPort}`)
      const open = yield* Channel.make({ url, peer: "intruder", internalKey: Probe.meshKey })
      const error = yield* Effect.flip(Client.make(ProbeService, open).whoAmI({}))
      expect(error).toMatchObject({ _tag: "PermissionDenied" })
    }).pipe(Effect.scoped),
  )

  it.effect("turn a refusal back into the typed error, with its facts", () =>
    Effect.gen(function* () {
      const probe = yield* client
      const error = yield* Effect.flip(probe.misbehave({ how: "AlreadyExists", reason: ErrorReason.SLUG_TAKEN }))
      expect(error).toMatchObject({
        _tag: "AlreadyExists",
        reason: "SLUG_TAKEN",
        message: "as asked: 50 % ünïcode",
        metadata: { slug: "acme" },
        retryAfterMs: 1500,
      })
    }).pipe(Effect.scoped),
  )

  it.effect("name the fields that break a rule, and hide a defect", () =>
    Effect.gen(function* () {
      const probe = yield* client
      const invalid = yield* Effect.flip(probe.echo({ item: { displayName: "" } }))
      expect(invalid).toMatchObject({ _tag: "InvalidRequest", violations: [{ field: "item.display_name" }] })
      for (const how of ["defect", "garbled"]) {
        const defect = yield* Effect.flip(probe.misbehave({ how }))
        expect(defect).toMatchObject({ _tag: "Internal", message: "internal error" })
      }
    }).pipe(Effect.scoped),
  )

  it.effect("interrupt the handler when the caller stops waiting, and when the deadline passes", () =>
    Effect.gen(function* () {
      const probe = yield* client
      const seen = yield* Probe.Seen
      const before = seen.interrupted
      const fiber = yield* Effect.forkChild(probe.misbehave({ how: "slow" }))
      const attempts = seen.attempts
      yield* until(() => seen.attempts > attempts)
      yield* Fiber.interrupt(fiber)
      yield* until(() => seen.interrupted === before + 1)
      const late = yield* Effect.flip(
        probe.misbehave({ how: "slow" }).pipe(Effect.provideService(Deadline, Date.now() + 100)),
      )
      expect(late._tag).toBe("DeadlineExceeded")
      yield* until(() => seen.interrupted === before + 2)
    }).pipe(Effect.scoped),
  )

  it.effect("stream to the end, to an error, and until the reader has enough", () =>
    Effect.gen(function* () {
      const probe = yield* client
      const seen = yield* Probe.Seen
      const numbers = yield* Stream.runCollect(probe.count({ to: 3 }))
      expect(numbers.map(({ number }) => number)).toEqual([1, 2, 3])
      const failed = yield* Effect.flip(Stream.runDrain(probe.count({ to: 1, fail: true })))
      expect(failed).toMatchObject({ _tag: "NotFound", message: "no more" })
      const before = seen.finished
      yield* probe.count({ to: 0 }).pipe(Stream.take(2), Stream.runDrain)
      yield* until(() => seen.finished > before)
    }).pipe(Effect.scoped),
  )

  it.effect("say that a service is away, after the retries that the contract allows", () =>
    Effect.gen(function* () {
      const open = yield* Channel.make({ url: new URL("http://127.0.0.1:1"), peer: "tester" })
      const error = yield* Effect.flip(Client.make(ProbeService, open).whoAmI({}))
      expect(error).toMatchObject({ _tag: "Unavailable", reason: "UNAVAILABLE" })
    }).pipe(Effect.scoped),
  )
})

layer(Probe.layer, { excludeTestServices: true })("foreign clients", (it) => {
  const item = { id: "itm_1", displayName: "Ada" }

  it.effect("connect-node speaks gRPC, gRPC-Web and Connect, unary and streaming", () =>
    Effect.gen(function* () {
      const { httpPort, grpcPort } = yield* Listening
      const outside = `http://127.0.0.1:${httpPort}`
      const transports = [
        createGrpcTransport({ baseUrl: `http://127.0.0.1:${grpcPort}` }),
        createGrpcWebTransport({ baseUrl: outside, httpVersion: "1.1" }),
        createConnectTransport({ baseUrl: outside, httpVersion: "1.1" }),
        createConnectTransport({ baseUrl: outside, httpVersion: "1.1", useBinaryFormat: false }),
        createConnectTransport({ baseUrl: outside, httpVersion: "1.1", useHttpGet: true }),
      ]
      for (const transport of transports) {
        const probe = createClient(ProbeService, transport)
        expect((yield* Effect.promise(() => probe.echo({ item }))).item).toMatchObject(item)
        const error = yield* Effect.promise(() => probe.getItem({ itemId: "x" }).catch((cause: ConnectError) => cause))
        expect(error).toMatchObject({ code: Code.Unauthenticated })
        expect((error as ConnectError).findDetails(ErrorInfoSchema)[0]).toMatchObject({ reason: "UNAUTHENTICATED" })
        const numbers = yield* Effect.promise(() => Array.fromAsync(probe.count({ to: 2 })))
        expect(numbers.map(({ number }) => number)).toEqual([1, 2])
      }
    }),
  )

  it.effect("grpc-js calls and gets status details, deadlines and unknown methods right", () =>
    Effect.gen(function* () {
      const { grpcPort } = yield* Listening
      const peer = new grpc.Client(`127.0.0.1:${grpcPort}`, grpc.credentials.createInsecure())
      const unary = (path: string, bytes: Uint8Array, options: grpc.CallOptions = {}) =>
        Effect.callback<{ readonly error: grpc.ServiceError | null; readonly value: Buffer | undefined }>((resume) => {
          peer.makeUnaryRequest(
            path,
            Buffer.from,
            (raw) => raw,
            bytes,
            new grpc.Metadata(),
            options,
            (error, value) => resume(Effect.succeed({ error, value })),
          )
        })
      const service = `/${ProbeService.typeName}`
      const echoed = yield* unary(`${service}/Echo`, toBinary(EchoRequestSchema, create(EchoRequestSchema, { item })))
      expect(fromBinary(EchoResponseSchema, echoed.value ?? new Uint8Array()).item).toMatchObject(item)
      const empty = yield* unary(`${service}/Echo`, new Uint8Array())
      expect(empty.error).toMatchObject({ code: grpc.status.INVALID_ARGUMENT, details: "item: value is required" })
      const garbage = yield* unary(`${service}/Echo`, Buffer.from([0xff, 0xff]))
      expect(garbage.error?.code).toBe(grpc.status.INVALID_ARGUMENT)
      const unknown = yield* unary(`${service}/Nothing`, new Uint8Array())
      expect(unknown.error?.code).toBe(grpc.status.UNIMPLEMENTED)
      peer.close()
    }),
  )

  it.effect("buf curl learns the contract by reflection and calls", () =>
    Effect.gen(function* () {
      const { grpcPort } = yield* Listening
      const { stdout } = yield* Effect.promise(() =>
        promisify(execFile)("node_modules/.bin/buf", [
          "curl",
          "--http2-prior-knowledge",
          "--protocol",
          "grpc",
          "--data",
          JSON.stringify({ item }),
          `http://127.0.0.1:${grpcPort}/${ProbeService.typeName}/Echo`,
        ]),
      )
      expect(JSON.parse(stdout)).toMatchObject({ item })
      const health = yield* Effect.promise(() =>
        promisify(execFile)("node_modules/.bin/buf", [
          "curl",
          "--http2-prior-knowledge",
          "--protocol",
          "grpc",
          "--data",
          "{}",
          `http://127.0.0.1:${grpcPort}/grpc.health.v1.Health/Check`,
        ]),
      )
      expect(JSON.parse(health.stdout)).toEqual({ status: "SERVING" })
    }),
  )
})
