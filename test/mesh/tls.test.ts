/** Programs of the mesh that know one another by certificates. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as tls from "node:tls"
import { create, fromBinary, toBinary } from "@bufbuild/protobuf"
import { expect, layer } from "@effect/vitest"
import * as grpc from "@grpc/grpc-js"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import { ProbeService, WhoAmIRequestSchema, WhoAmIResponseSchema } from "#gen/authsome/testing/v1/probe_pb.ts"
import { peers } from "#shared/rpc/authenticate.ts"
import { Authentication, Authorization, Call, Caller } from "#shared/rpc/Caller.ts"
import type { CertificateFiles } from "#shared/rpc/Certificates.ts"
import * as Client from "#shared/rpc/client/Client.ts"
import * as MeshChannel from "#shared/rpc/client/MeshChannel.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { RateLimits } from "#shared/rpc/RateLimits.ts"
import * as Server from "#shared/rpc/Server.ts"
import { Readiness } from "#shared/runtime/Readiness.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { serverConfig } from "#shared/testing/meshSettings.ts"
import { type Authority, issued, makeAuthority } from "./certificates.ts"

class Mesh extends Context.Service<Mesh, { readonly authority: Authority; readonly files: CertificateFiles }>()(
  "test/mesh/Mesh",
) {
  static readonly layer = Layer.effect(
    Mesh,
    Effect.gen(function* () {
      const authority = yield* makeAuthority
      return { authority, files: yield* issued(authority, "server") }
    }),
  )
}

const handlers = Handlers.layer(
  ProbeService,
  Effect.succeed({
    whoAmI: () =>
      Effect.map(Caller, (caller) => ({ peer: caller._tag === "Peer" ? caller.name : "", requestId: "", leftMs: 0n })),
    // As far as the name is long.
    count: () => Stream.fromEffect(Effect.map(Call, ({ certifiedPeer = "" }) => ({ number: certifiedPeer.length }))),
  }),
  ["echo", "getItem", "listItems", "deleteItem", "misbehave", "forbidden"],
)

const server = Layer.unwrap(
  Effect.gen(function* () {
    const { files } = yield* Mesh
    const internal = yield* peers({ keys: [], certificateFiles: files, open: false })
    return Server.layer({ config: serverConfig, certificateFiles: files }, handlers).pipe(
      Layer.provide([
        Layer.succeed(Authentication, { INTERNAL: internal }),
        Layer.succeed(Authorization, { authorize: () => Effect.succeed({}) }),
        RateLimits.layerNone,
        Readiness.layer,
        Logger.layer([]),
      ]),
    )
  }),
).pipe(Layer.provideMerge(Mesh.layer))

const whoAmI = (port: number, { cert, key, ca }: CertificateFiles, claimed: string) =>
  Effect.callback<string, grpc.ServiceError>((resume) => {
    const credentials = grpc.credentials.createSsl(readFileSync(ca), readFileSync(key), readFileSync(cert))
    const client = new grpc.Client(`127.0.0.1:${port}`, credentials, { "grpc.ssl_target_name_override": "server" })
    const metadata = new grpc.Metadata()
    metadata.set("x-mesh-peer", claimed)
    const request = Buffer.from(toBinary(WhoAmIRequestSchema, create(WhoAmIRequestSchema)))
    const deadline = Date.now() + 5000
    const path = `/${ProbeService.typeName}/WhoAmI`
    client.makeUnaryRequest(
      path,
      (raw) => raw,
      (raw) => raw,
      request,
      metadata,
      { deadline },
      (error, value) => {
        client.close()
        if (error !== null) resume(Effect.fail(error))
        else resume(Effect.succeed(fromBinary(WhoAmIResponseSchema, value ?? Buffer.alloc(0)).peer))
      },
    )
  })

/** The serial number of the certificate that the server shows to a new connection. */
const shown = (port: number, { cert, key, ca }: CertificateFiles) =>
  Effect.callback<string>((resume) => {
    const files = { cert: readFileSync(cert), key: readFileSync(key), ca: readFileSync(ca) }
    const socket = tls.connect(
      { port, host: "127.0.0.1", servername: "server", ...files, ALPNProtocols: ["h2"] },
      () => {
        resume(Effect.succeed(socket.getPeerCertificate().serialNumber))
        socket.destroy()
      },
    )
  })

layer(server, { excludeTestServices: true })("a mesh of certificates", (it) => {
  it.effect("believes the certificate's name, and not what a program says of itself", () =>
    Effect.gen(function* () {
      const { grpcPort } = yield* Server.Listening
      const { authority } = yield* Mesh
      const tester = yield* issued(authority, "tester")
      expect(yield* whoAmI(grpcPort, tester, "stranger")).toBe("tester")
      const intruder = yield* issued(authority, "intruder")
      const refused = yield* Effect.flip(whoAmI(grpcPort, intruder, "tester"))
      expect(refused.code).toBe(grpc.status.PERMISSION_DENIED)
    }),
  )

  it.effect("is known by its name on a stream too", () =>
    Effect.gen(function* () {
      const { grpcPort } = yield* Server.Listening
      const { authority } = yield* Mesh
      const certificateFiles = yield* issued(authority, "tester")
      const channel = yield* MeshChannel.make({
        url: new URL(`https://localhost:${grpcPort}`),
        peer: "stranger",
        identity: { keys: [], certificateFiles, open: false },
      })
      const counted = yield* Stream.runCollect(Client.make(ProbeService, channel).count({}))
      expect(counted.map(({ number }) => number)).toEqual(["tester".length])
    }),
  )

  it.effect("lets nobody in whom its authority does not vouch for", () =>
    Effect.gen(function* () {
      const { grpcPort } = yield* Server.Listening
      const { files } = yield* Mesh
      const other = yield* makeAuthority
      const forged = yield* issued(other, "tester")
      const refused = yield* Effect.flip(whoAmI(grpcPort, { ...forged, ca: files.ca }, "tester"))
      expect(refused.code).toBe(grpc.status.UNAVAILABLE)
    }),
  )

  it.effect("shows a replaced certificate to new connections without a restart", () =>
    Effect.gen(function* () {
      const { grpcPort } = yield* Server.Listening
      const { authority, files } = yield* Mesh
      const tester = yield* issued(authority, "tester")
      const before = yield* shown(grpcPort, tester)
      yield* authority.issue("server", join(files.cert, ".."))
      yield* eventually(
        Effect.filterOrFail(shown(grpcPort, tester), (serial) => serial !== before),
        "20 seconds",
      )
    }),
  )
})
