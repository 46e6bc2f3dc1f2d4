/** The mesh's client under certificates. */
import { readFileSync } from "node:fs"
import { expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { ProbeService } from "#gen/authsome/testing/v1/probe_pb.ts"
import { peers } from "#shared/rpc/authenticate.ts"
import { Authentication, Authorization, Caller } from "#shared/rpc/Caller.ts"
import type { CertificateFiles } from "#shared/rpc/Certificates.ts"
import * as Channel from "#shared/rpc/client/Channel.ts"
import * as Client from "#shared/rpc/client/Client.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { RateLimits } from "#shared/rpc/RateLimits.ts"
import * as Server from "#shared/rpc/Server.ts"
import { Readiness } from "#shared/runtime/Readiness.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { serverConfig } from "#shared/testing/meshSettings.ts"
import { folder, issued, makeAuthority } from "./certificates.ts"
import { testName } from "./clientKit.ts"

const read = ({ cert, key, ca }: CertificateFiles) => ({
  cert: readFileSync(cert),
  key: readFileSync(key),
  ca: readFileSync(ca),
})

/** A server that says who calls. */
const server = (files: CertificateFiles) =>
  Effect.gen(function* () {
    const internal = yield* peers({ keys: [], certificateFiles: files, open: false })
    const handlers = Handlers.layer(
      ProbeService,
      Effect.succeed({
        whoAmI: () => Effect.map(Caller, (caller) => ({ peer: caller._tag === "Peer" ? caller.name : "" })),
      }),
      ["echo", "getItem", "listItems", "deleteItem", "misbehave", "forbidden", "count"],
    )
    const layer = Server.layer({ config: serverConfig, certificateFiles: files }, handlers).pipe(
      Layer.provide([
        Layer.succeed(Authentication, { INTERNAL: internal }),
        Layer.succeed(Authorization, { authorize: () => Effect.succeed({}) }),
        RateLimits.layerNone,
        Readiness.layer,
        Logger.layer([]),
      ]),
    )
    const context = yield* Layer.build(layer)
    return Context.get(context, Server.Listening).grpcPort
  })

it.live("a client shows its certificate, a replaced one to the next connection, and checks the server's", () =>
  Effect.gen(function* () {
    const authority = yield* makeAuthority
    const port = yield* server(yield* issued(authority, "probe"))
    const home = yield* folder
    let files = yield* authority.issue("tester", home)
    const settings = { maxAgeMs: 100 }
    const url = new URL("dns:///probe:1")
    const probe = Client.make(
      ProbeService,
      yield* Channel.make({ url, peer: "intruder", tls: () => read(files), settings, resolver: testName([port]) }),
    )
    expect(yield* probe.whoAmI({})).toMatchObject({ peer: "tester" })
    files = yield* authority.issue("stranger", home)
    yield* eventually(Effect.filterOrFail(probe.whoAmI({}), ({ peer }) => peer === "stranger"))

    // Another authority vouches for the server, the server is somebody else, or our own key is none.
    const forger = yield* issued(yield* makeAuthority, "tester")
    const others = [
      { url, tls: () => ({ ...read(files), ca: read(forger).ca }) },
      { url: new URL("dns:///billing:1"), tls: () => read(files) },
      { url, tls: () => ({ ...read(files), key: "not a key" }) },
    ]
    for (const other of others) {
      const channel = yield* Channel.make({ ...other, peer: "tester", resolver: testName([port]) })
      expect(yield* Effect.flip(Client.make(ProbeService, channel).whoAmI({}))).toMatchObject({ _tag: "Unavailable" })
    }
  }),
)
