/** The control plane as its environment configures it, on free ports, over a database and a queue of its own. */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Readiness } from "#shared/runtime/Readiness.ts"
import * as Log from "#shared/telemetry/Log.ts"
import { TestDatabase } from "#shared/testing/TestDatabase.ts"
import { TestNats } from "#shared/testing/TestServers.ts"
import { ControlPlaneConfig } from "../Config.ts"
import { program } from "../program.ts"
import { meshKeys, sealingKeys, signingKeys } from "./TestKeys.ts"

/** Every line that the process has logged. */
export class Logged extends Context.Service<Logged, Array<string>>()("control-plane/testing/Logged") {
  static readonly layer = Layer.sync(Logged, () => [])
}

export const environment = {
  INTERNAL_GRPC_API_KEY: meshKeys.join(","),
  TOKEN_SIGNING_KEYS: Redacted.value(signingKeys),
  SEALING_KEYS: sealingKeys,
  API_BASE_URL: "http://proxy.test",
  DASHBOARD_URL: "http://dashboard.test",
  // Nobody listens there, unless a test says otherwise.
  BILLING_GRPC_URL: "http://127.0.0.1:9",
  REGIONS: "local,eu-central-1",
  SHUTDOWN_GRACE: "1 second",
  LISTEN_HOST: "127.0.0.1",
  // All tests of a file come from one address.
  RATE_LIMIT_CREDENTIAL_PER_MINUTE: "6000",
  RATE_LIMIT_COSTLY_PER_MINUTE: "6000",
}

const started = (changed: Readonly<Record<string, string>>) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { url } = yield* TestDatabase
      const nats = yield* TestNats
      const logged = yield* Logged
      const variables = {
        DATABASE_URL: Redacted.value(url),
        NATS_URL: Redacted.value(nats.url),
        ...environment,
        ...changed,
      }
      const configured = Effect.map(ControlPlaneConfig, (config) =>
        program({ ...config, server: { ...config.server, httpPort: 0, grpcPort: 0 } }),
      )
      return Layer.unwrap(configured).pipe(
        Layer.provideMerge(Readiness.layer),
        Layer.provide(Log.layer("control-plane")),
        Layer.provide(Layer.succeed(Log.LogSink, (line) => void logged.push(line))),
        Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(variables))),
      )
    }),
  )

const surroundings = Layer.mergeAll(Logged.layer, TestDatabase.sql("control"), TestNats.layer)

/** Running, with these variables changed. */
export const running = (changed: Readonly<Record<string, string>> = {}) =>
  Layer.provideMerge(started(changed), surroundings)
