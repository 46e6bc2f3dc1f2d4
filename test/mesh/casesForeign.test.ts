/** Clients that others wrote, against both ways through the server. */
import { execFile } from "node:child_process"
import { create, fromBinary, toBinary } from "@bufbuild/protobuf"
import { expect, layer } from "@effect/vitest"
import * as grpc from "@grpc/grpc-js"
import * as Effect from "effect/Effect"
import { ErrorReason } from "#gen/authsome/mesh/v1/error_reason_pb.ts"
import { EchoRequestSchema, EchoResponseSchema, MisbehaveRequestSchema } from "#gen/authsome/testing/v1/probe_pb.ts"
import { ErrorInfoSchema } from "#gen/google/rpc/error_details_pb.ts"
import { StatusSchema } from "#gen/google/rpc/status_pb.ts"
import { Listening } from "#shared/rpc/Server.ts"
import { eventually } from "#shared/testing/eventually.ts"
import * as Probe from "./Probe.ts"

const service = "/authsome.testing.v1.ProbeService"
const item = { id: "itm_1", displayName: "Grüße 100 %" }

interface Reply {
  readonly error: grpc.ServiceError | null
  readonly value: Buffer | undefined
  readonly metadata: grpc.Metadata | undefined
}

const grpcJs = Effect.map(Listening, ({ grpcPort }) => {
  const client = new grpc.Client(`127.0.0.1:${grpcPort}`, grpc.credentials.createInsecure())
  const call = (rpc: string, bytes: Uint8Array, options: grpc.CallOptions = {}, metadata = new grpc.Metadata()) =>
    Effect.callback<Reply>((resume) => {
      let head: grpc.Metadata | undefined
      const running = client.makeUnaryRequest(
        `${service}/${rpc}`,
        Buffer.from,
        (raw) => raw,
        bytes,
        metadata,
        options,
        (error, value) => resume(Effect.succeed({ error, value, metadata: head })),
      )
      running.on("metadata", (received) => {
        head = received
      })
      return Effect.sync(() => running.cancel())
    })
  return { call, close: () => client.close() }
})

/** Runs `buf curl`, which learns the contract by reflection, and gives what it printed and its exit code. */
const bufCurl = (url: string, args: ReadonlyArray<string>, data: object) =>
  Effect.callback<{ readonly out: string; readonly error: string; readonly code: number }>((resume) => {
    const all = ["curl", ...args, "--data", JSON.stringify(data), url]
    const child = execFile("node_modules/.bin/buf", all, (failed, out, error) => {
      resume(Effect.succeed({ out, error, code: failed === null ? 0 : 1 }))
    })
    return Effect.sync(() => child.kill())
  })

for (const straight of [true, false]) {
  const way = straight ? "the straight way" : "the general adapter"
  layer(Probe.layerWith({ straight }), { excludeTestServices: true })(way, (it) => {
    it.effect("grpc-js gets messages, compressed ones too, metadata, details, deadlines and cancellation right", () =>
      Effect.gen(function* () {
        const client = yield* grpcJs
        const request = toBinary(EchoRequestSchema, create(EchoRequestSchema, { item }))
        const gzip = new grpc.Metadata()
        gzip.set("grpc-internal-encoding-request", "gzip")
        for (const metadata of [new grpc.Metadata(), gzip]) {
          const echoed = yield* client.call("Echo", request, {}, metadata)
          expect(fromBinary(EchoResponseSchema, echoed.value ?? new Uint8Array()).item).toMatchObject(item)
        }

        const noted = new grpc.Metadata()
        noted.set("x-note", "text")
        noted.set("x-note-bin", Buffer.from([0, 255, 128]))
        const listed = yield* client.call("ListItems", new Uint8Array(), {}, noted)
        expect(listed.metadata?.get("x-note")).toEqual(["text"])
        expect(listed.metadata?.get("x-note-bin")).toEqual([Buffer.from([0, 255, 128])])

        const misbehave = (how: string, options?: grpc.CallOptions) =>
          client.call(
            "Misbehave",
            toBinary(MisbehaveRequestSchema, create(MisbehaveRequestSchema, { how, reason: ErrorReason.SLUG_TAKEN })),
            options,
          )
        const { error } = yield* misbehave("AlreadyExists")
        expect(error?.code).toBe(grpc.status.ALREADY_EXISTS)
        // grpc-js leaves the escapes alone that gRPC does not ask for; connect-es makes them.
        expect(error?.details.replace("%3A", straight ? "%3A" : ":")).toBe("as asked: 50 % ünïcode")
        const [details] = error?.metadata.get("grpc-status-details-bin") ?? []
        const status = fromBinary(StatusSchema, typeof details === "object" ? details : new Uint8Array())
        const info = status.details.find(({ typeUrl }) => typeUrl.endsWith("ErrorInfo"))
        expect(fromBinary(ErrorInfoSchema, info?.value ?? new Uint8Array()).reason).toBe("SLUG_TAKEN")

        const { interrupted } = yield* Probe.Seen
        const late = yield* misbehave("slow", { deadline: 50 + performance.timeOrigin + performance.now() })
        expect(late.error?.code).toBe(grpc.status.DEADLINE_EXCEEDED)
        yield* eventually(Effect.filterOrFail(Probe.Seen, (seen) => seen.interrupted === interrupted + 1))
        const large = yield* client.call("Echo", Buffer.alloc(4 * 1024 * 1024 + 1))
        expect(large.error?.code).toBe(grpc.status.RESOURCE_EXHAUSTED)
        client.close()
      }),
    )

    it.effect("buf curl speaks gRPC, gRPC-Web and Connect", () =>
      Effect.gen(function* () {
        const { httpPort, grpcPort } = yield* Listening
        const mesh = `http://127.0.0.1:${grpcPort}${service}`
        const outside = `http://127.0.0.1:${httpPort}${service}`
        // The outside face has no reflection: there it reads the contract's files.
        const ways = [
          [mesh, "--protocol", "grpc", "--http2-prior-knowledge"],
          [outside, "--protocol", "grpcweb", "--schema", "."],
          [outside, "--protocol", "connect", "--schema", "."],
        ] as const
        for (const [url, ...args] of ways) {
          const echoed = yield* bufCurl(`${url}/Echo`, args, { item })
          expect(JSON.parse(echoed.out || echoed.error)).toMatchObject({ item })
          const taken = { how: "AlreadyExists", reason: "ERROR_REASON_SLUG_TAKEN" }
          const refused = yield* bufCurl(`${url}/Misbehave`, args, taken)
          expect(refused.code).toBe(1)
          expect(JSON.parse(refused.error)).toMatchObject({ code: "already_exists", message: "as asked: 50 % ünïcode" })
        }
      }),
    )

    it.effect("fetch speaks Connect", () =>
      Effect.gen(function* () {
        const { httpPort } = yield* Listening
        const post = (rpc: string, body: object) =>
          Effect.promise(() =>
            fetch(`http://127.0.0.1:${httpPort}${service}/${rpc}`, {
              method: "POST",
              headers: { "content-type": "application/json", "connect-protocol-version": "1" },
              body: JSON.stringify(body),
            }).then(async (response) => ({ status: response.status, json: await response.json() })),
          )
        expect(yield* post("Echo", { item })).toMatchObject({ status: 200, json: { item } })
        const refused = yield* post("Misbehave", { how: "NotFound", reason: "ERROR_REASON_SLUG_TAKEN" })
        expect(refused).toMatchObject({ status: 404, json: { code: "not_found", message: "as asked: 50 % ünïcode" } })
        const asked = encodeURIComponent(JSON.stringify({ item }))
        const got = yield* Effect.promise(() =>
          fetch(`http://127.0.0.1:${httpPort}${service}/Echo?connect=v1&encoding=json&message=${asked}`),
        )
        expect(got.status).toBe(200)
      }),
    )
  })
}
