/** The proxy in this process, between the servers of a test. */
import { generateKeyPairSync } from "node:crypto"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { ProxyService } from "#gen/authsome/proxy/v1/proxy_pb.ts"
import { JwtSigner } from "#shared/crypto/Jwt.ts"
import { Sealer } from "#shared/crypto/Sealer.ts"
import { Nats } from "#shared/nats/Nats.ts"
import * as Channel from "#shared/rpc/client/Channel.ts"
import * as Client from "#shared/rpc/client/Client.ts"
import { Listening } from "#shared/rpc/Server.ts"
import { Readiness } from "#shared/runtime/Readiness.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { keyed, serverConfig } from "#shared/testing/meshSettings.ts"
import { TestNats, TestRedisServer } from "#shared/testing/TestServers.ts"
import type { ProxyConfig } from "../Config.ts"
import * as Proxy from "../Proxy.ts"
import { issuer } from "../routes/Identities.ts"
import { meshKey, TestControlPlane, type TestKey } from "./TestControlPlane.ts"
import { TestInstance } from "./TestInstance.ts"

const pair = generateKeyPairSync("ed25519")
/** What instances verify the proxy's word with: SPKI in base64. */
export const identityPublicKey = Redacted.make(
  pair.publicKey.export({ format: "der", type: "spki" }).toString("base64"),
)
const identityKey = Redacted.make(pair.privateKey.export({ format: "der", type: "pkcs8" }).toString("base64"))

const sealer = Sealer.layer([{ id: "test", key: Redacted.make(new Uint8Array(32)) }])

/** All that a proxy needs around it, each a real server of the test's own. */
export const worldLayer = Layer.mergeAll(
  TestControlPlane.layer,
  TestInstance.layer,
  Layer.unwrap(Effect.map(TestNats, ({ url }) => Nats.layer({ url, name: "tester" }))).pipe(
    Layer.provide(Readiness.layer),
    Layer.provideMerge(TestNats.layer),
  ),
  TestRedisServer.layer,
)

/** Starts a proxy, connected to all that is there; it stops with the scope. What `changes` names replaces the usual configuration. */
export const start = Effect.fnUntraced(function* (changes: Partial<ProxyConfig> = {}) {
  const controlPlane = yield* TestControlPlane
  const nats = yield* TestNats
  const redis = yield* TestRedisServer
  const config: ProxyConfig = {
    server: { ...serverConfig, maxBodyBytes: 256 * 1024, shutdownGrace: Duration.seconds(20) },
    redisUrl: redis.url,
    natsUrl: nats.url,
    controlPlaneUrl: controlPlane.url,
    mesh: keyed(meshKey),
    region: "test-1",
    routeTtl: Duration.minutes(1),
    routeMaxStaleness: Duration.minutes(10),
    upstreamTimeout: Duration.seconds(10),
    upstreamConnections: 16,
    trustedHops: 0,
    meterInterval: Duration.millis(20),
    keyUseInterval: Duration.millis(50),
    ...changes,
  }
  const context = yield* Layer.build(
    Proxy.layer(config).pipe(
      Layer.provide([Readiness.layer, JwtSigner.layer({ keys: identityKey, issuer }), sealer]),
      Layer.fresh,
    ),
  )
  const { httpPort, grpcPort } = yield* Effect.provideContext(Listening, context)
  const url = `http://127.0.0.1:${httpPort}`
  const mesh = `http://127.0.0.1:${grpcPort}`
  const isConnected = Effect.promise(async () => JSON.stringify(await (await fetch(`${mesh}/ready`)).json()))
  yield* eventually(
    Effect.flatMap(isConnected, (report) => (report.includes("failing") ? Effect.fail(report) : Effect.void)),
  )
  return {
    url,
    port: httpPort,
    /** Its own rpcs. */
    rpc: Effect.map(Channel.make({ url: new URL(mesh), peer: "tester", internalKey: meshKey }), (channel) =>
      Client.make(ProxyService, channel),
    ),
    /** A request with the key; to the key's own application unless another is named. */
    fetch: (key: TestKey | undefined, path: string, init: RequestInit & { readonly application?: string } = {}) =>
      Effect.promise(async () => {
        const application = init.application ?? key?.route.applicationId ?? ""
        const headers = new Headers(init.headers)
        if (key !== undefined) headers.set("authorization", `Bearer ${key.text}`)
        const response = await fetch(`${url}/v1/${application}${path}`, { ...init, headers })
        const text = await response.text()
        return { status: response.status, headers: response.headers, text }
      }),
    /** The value of the metric with exactly this name and attributes, as `/metrics` shows it; 0 where it does not. */
    metric: (name: string) =>
      Effect.promise(async () => {
        const text = await (await fetch(`${mesh}/metrics`)).text()
        return Number(
          text
            .split("\n")
            .find((line) => line.startsWith(`${name} `))
            ?.slice(name.length + 1) ?? 0,
        )
      }),
  }
})
