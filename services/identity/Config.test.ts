import { assert, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { configSentence } from "#shared/runtime/configSentence.ts"
import { Readiness } from "#shared/runtime/Readiness.ts"
import { identityConfig } from "./Config.ts"
import { program } from "./program.ts"
import { applicationId, instanceEnvironment, novaEnvironment } from "./testing/TestIdentity.ts"

const nova = {
  ...novaEnvironment,
  DATABASE_URL: "postgres://nova@127.0.0.1:1/nova",
  NATS_URL: "nats://127.0.0.1:1",
}
const instance = { ...instanceEnvironment, DATABASE_URL: "postgres://app@127.0.0.1:1/app" }

type Environment = Readonly<Record<string, string | undefined>>

const provided = (environment: Environment) => ConfigProvider.layer(ConfigProvider.fromUnknown(environment))

/** Why a process of this environment cannot start. */
const refusal = (environment: Environment) =>
  Layer.unwrap(Effect.map(identityConfig, program)).pipe(
    Layer.provide(Readiness.layer),
    Layer.build,
    Effect.scoped,
    Effect.flip,
    Effect.flatMap((error) =>
      "cause" in error && error._tag === "ConfigError" ? configSentence(error) : Effect.die(error),
    ),
    Effect.provide(provided(environment)),
  )

it.effect("a role has what it needs, and defaults for the rest", () =>
  Effect.gen(function* () {
    const asNova = yield* Effect.provide(identityConfig, provided(nova))
    assert.include(asNova, { role: "nova", issuer: "nova-identity", audience: "nova", maxConnections: 10 })
    assert.include(asNova.server, { httpPort: 8081, grpcPort: 9081 })
    const asInstance = yield* Effect.provide(identityConfig, provided(instance))
    assert.include(asInstance, { role: "instance", issuer: applicationId, audience: applicationId, maxConnections: 5 })
    assert.isTrue(Option.isNone(asInstance.natsUrl))
    assert.deepStrictEqual([asNova.requireVerifiedEmail, asInstance.requireVerifiedEmail], [false, false])
    assert.deepStrictEqual([asNova.totpIssuer, asInstance.totpIssuer], ["Nova", applicationId])
  }),
)

it.effect("keys are separated by commas, and none is no key", () =>
  Effect.gen(function* () {
    for (const [text, expected] of [
      [undefined, []],
      ["", []],
      [" , ", []],
      ["one", ["one"]],
      ["one, two", ["one", "two"]],
    ] as const) {
      const config = yield* Effect.provide(identityConfig, provided({ ...nova, INTERNAL_API_KEY: text }))
      const keys = config.role === "nova" ? config.zitadelKeys.map(Redacted.value) : []
      assert.deepStrictEqual(keys, [...expected])
    }
  }),
)

it.effect.each([
  [{ ...nova, IDENTITY_ROLE: undefined }, "IDENTITY_ROLE is missing"],
  [{ ...nova, IDENTITY_ROLE: "hunter2" }, "IDENTITY_ROLE is malformed"],
  [{ ...nova, DATABASE_URL: undefined }, "DATABASE_URL is missing"],
  [{ ...nova, DATABASE_URL: "hunter2" }, "DATABASE_URL is malformed"],
  [{ ...nova, NATS_URL: undefined }, "NATS_URL is missing"],
  [{ ...instance, NATS_URL: "hunter2" }, "NATS_URL is malformed"],
  [{ ...nova, REDIS_URL: "hunter2" }, "REDIS_URL is malformed"],
  [{ ...nova, SMTP_URL: "hunter2" }, "SMTP_URL is malformed"],
  [{ ...nova, AUDIT_RETENTION: "hunter2" }, "AUDIT_RETENTION is malformed"],
  [{ ...nova, AUDIT_RETENTION: "2 hours" }, "AUDIT_RETENTION is malformed"],
  [{ ...nova, REQUIRE_VERIFIED_EMAIL: "hunter2" }, "REQUIRE_VERIFIED_EMAIL is malformed"],
  [{ ...nova, REQUIRE_VERIFIED_EMAIL: "true" }, "SMTP_URL is missing"],
  [{ ...instance, REQUIRE_VERIFIED_EMAIL: "true" }, "SMTP_URL is missing"],
  [{ ...nova, CLAIMS_CACHE_TTL: "hunter2", REDIS_URL: "redis://127.0.0.1:1" }, "CLAIMS_CACHE_TTL is malformed"],
  [{ ...nova, CLAIMS_CACHE_TTL: "2 hours", REDIS_URL: "redis://127.0.0.1:1" }, "CLAIMS_CACHE_TTL is malformed"],
  [{ ...nova, CLAIMS_CACHE_TTL: "30 seconds" }, "REDIS_URL is missing"],
  [{ ...nova, TOTP_ISSUER: "hunter2".repeat(9) }, "TOTP_ISSUER is malformed"],
  [{ ...nova, SEALING_KEYS: undefined }, "SEALING_KEYS is missing"],
  [{ ...nova, SEALING_KEYS: "hunter2" }, "SEALING_KEYS is malformed"],
  [{ ...instance, APPLICATION_ID: undefined }, "APPLICATION_ID is missing"],
  [{ ...instance, APPLICATION_ID: "hunter2" }, "APPLICATION_ID is malformed"],
  [{ ...instance, KEY_IDENTITY_PUBLIC_KEY: undefined }, "KEY_IDENTITY_PUBLIC_KEY is missing"],
  [{ ...instance, KEY_IDENTITY_PUBLIC_KEY: "hunter2" }, "KEY_IDENTITY_PUBLIC_KEY is malformed"],
] as const)("a wrong configuration is told by the name of its variable: %#", ([environment, sentence]) =>
  Effect.gen(function* () {
    const said = yield* refusal(environment)
    assert.isTrue(said.startsWith(sentence), said)
    assert.notInclude(said, "hunter2")
  }),
)
