/** The proxy process: the way of every customer's request to its application's instance. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { JwtSigner } from "#shared/crypto/Jwt.ts"
import { Sealer } from "#shared/crypto/Sealer.ts"
import { launch } from "#shared/runtime/Launch.ts"
import { ProxyConfig } from "./Config.ts"
import * as Proxy from "./Proxy.ts"
import { issuer } from "./routes/Identities.ts"

const keys = Layer.merge(JwtSigner.layerConfig({ issuer, variable: "KEY_IDENTITY_PRIVATE_KEY" }), Sealer.layerConfig)

launch(Layer.unwrap(Effect.map(ProxyConfig, Proxy.layer)).pipe(Layer.provide(keys)), { service: "proxy" })
