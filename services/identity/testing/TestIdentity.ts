/** The identity program on free ports over a database of its own, and what its callers would send it. */
import { createHmac, createPrivateKey, generateKeyPairSync, sign } from "node:crypto"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import { JwtSigner } from "#shared/crypto/Jwt.ts"
import { Sealer } from "#shared/crypto/Sealer.ts"
import { Readiness } from "#shared/runtime/Readiness.ts"
import * as Log from "#shared/telemetry/Log.ts"
import { Backing } from "#shared/testing/Backing.ts"
import { TestDatabase } from "#shared/testing/TestDatabase.ts"
import { identityConfig } from "../Config.ts"
import { program } from "../program.ts"
import { keyIdentityIssuer } from "../tenant/authenticate.ts"
import { type Gate, gate } from "./Gate.ts"

export const meshKey = "mesh-key-of-the-tests"
export const zitadelKey = "zitadel-key-of-the-tests"
export const applicationId = "app_abcdefghij234567"

const { privateKey, publicKey } = generateKeyPairSync("ed25519")
const der = {
  privateKey: privateKey.export({ format: "der", type: "pkcs8" }).toString("base64"),
  publicKey: publicKey.export({ format: "der", type: "spki" }).toString("base64"),
}

/** A key that the program knows nothing of: PKCS8 in base64. */
export const strangersKey = generateKeyPairSync("ed25519")
  .privateKey.export({ format: "der", type: "pkcs8" })
  .toString("base64")

const sealingKey = Buffer.alloc(32, 7)
const sealingKeys = `test:${sealingKey.toString("base64")}`
const sealer = Sealer.layer([{ id: "test", key: Redacted.make(new Uint8Array(sealingKey)) }])

/** Every line that the process has logged. */
export class Logged extends Context.Service<Logged, Array<string>>()("identity/testing/Logged") {
  static readonly layer = Layer.sync(Logged, () => [])
}

export const novaEnvironment = {
  IDENTITY_ROLE: "nova",
  INTERNAL_API_KEY: zitadelKey,
  INTERNAL_GRPC_API_KEY: meshKey,
  SEALING_KEYS: sealingKeys,
}

export const instanceEnvironment = {
  IDENTITY_ROLE: "instance",
  APPLICATION_ID: applicationId,
  KEY_IDENTITY_PUBLIC_KEY: der.publicKey,
  INTERNAL_GRPC_API_KEY: meshKey,
  SEALING_KEYS: sealingKeys,
  // All tests of a file come from one address.
  RATE_LIMIT_CREDENTIAL_PER_MINUTE: "6000",
  RATE_LIMIT_COSTLY_PER_MINUTE: "6000",
}

/** What the program finds when it starts. */
const surroundings = Layer.mergeAll(Logged.layer, TestDatabase.sql("identity"), Backing.layer)

/** The program alone: the first one over this database, or one more. */
export const started = (environment: Readonly<Record<string, string>>) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { url } = yield* TestDatabase
      const { nats, smtp } = yield* Backing
      const logged = yield* Logged
      const variables = {
        DATABASE_URL: Redacted.value(url),
        SMTP_URL: smtp,
        SHUTDOWN_GRACE: "1 second",
        ...(environment["IDENTITY_ROLE"] === "nova" ? { NATS_URL: nats } : {}),
        ...environment,
      }
      const configured = Effect.map(identityConfig, (config) =>
        program({ ...config, server: { ...config.server, host: "127.0.0.1", httpPort: 0, grpcPort: 0 } }),
      )
      return Layer.unwrap(configured).pipe(
        Layer.provideMerge(Readiness.layer),
        Layer.provide(Log.layer("identity")),
        Layer.provide(Layer.succeed(Log.LogSink, (line) => void logged.push(line))),
        Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(variables))),
      )
    }),
  )

/** The way from the program to its database. */
export class DatabaseGate extends Context.Service<DatabaseGate, Gate>()("identity/testing/DatabaseGate") {
  static readonly layer = Layer.effect(
    DatabaseGate,
    Effect.gen(function* () {
      const { url } = yield* TestDatabase
      const { hostname, port } = new URL(Redacted.value(url))
      return yield* gate({ host: hostname, port: Number(port) })
    }),
  )
}

/** The program as its environment configures it, and a gate between it and its database. */
export const gated = (environment: Readonly<Record<string, string>>) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { url } = yield* TestDatabase
      const { port } = yield* DatabaseGate
      const through = new URL(Redacted.value(url))
      through.host = `127.0.0.1:${port}`
      return started({ ...environment, DATABASE_URL: through.href })
    }),
  ).pipe(Layer.provideMerge(DatabaseGate.layer), Layer.provideMerge(surroundings))

/** The program as its environment configures it, over a database of its own. */
export const running = (environment: Readonly<Record<string, string>>) =>
  Layer.provideMerge(started(environment), surroundings)

export interface KeyOptions {
  /** The id of the key. */
  readonly name?: string
  readonly application?: string
  readonly kind?: string
  readonly scopes?: ReadonlyArray<string>
  readonly issuer?: string
  readonly lifetime?: Duration.Input
  /** PKCS8 in base64; the proxy's own unless given. */
  readonly signedBy?: string
}

/** The headers of a request as the proxy forwards it. */
export const fromProxy = Effect.fnUntraced(function* (options: KeyOptions = {}, session?: string) {
  const keys = Redacted.make(options.signedBy ?? der.privateKey)
  const signer = yield* Effect.orDie(JwtSigner.make({ keys, issuer: options.issuer ?? keyIdentityIssuer }))
  const identity = yield* signer.sign({
    subject: options.name ?? "key_tests",
    audience: options.application ?? applicationId,
    lifetime: options.lifetime ?? Duration.minutes(1),
    claims: { kind: options.kind ?? "public", scp: options.scopes ?? [] },
  })
  return {
    "x-authsome-identity": identity,
    "x-forwarded-for": "10.0.0.1, 203.0.113.9",
    "user-agent": "tests/1",
    ...(session === undefined ? {} : { "x-authsome-session": session }),
  }
})

export interface Forgery {
  readonly header?: Readonly<Record<string, unknown>>
  readonly claims?: Readonly<Record<string, unknown>>
  /** Unset: by the signing key of the program itself. Otherwise by a secret or key that is not. */
  readonly signature?: "none" | "public key as secret" | "another key"
}

/** An access token with changes, signed as only the program could, or as somebody tries who has not its key. */
export const forgedToken = Effect.fnUntraced(function* (token: string, { header, claims, signature }: Forgery) {
  const [head = "", body = ""] = token.split(".")
  const parts = [
    { ...JSON.parse(Buffer.from(head, "base64url").toString()), ...header },
    { ...JSON.parse(Buffer.from(body, "base64url").toString()), ...claims },
  ]
  const signed = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".")
  const sql = yield* SqlClient.SqlClient
  const { open } = yield* Sealer
  const [row] = yield* sql<{ readonly id: string; readonly publicKey: string; readonly privateKey: string }>`
    SELECT id, public_key, private_key FROM signing_keys`
  const { id, publicKey: x, privateKey: sealed } = row ?? { id: "", publicKey: "", privateKey: "" }
  const d = Redacted.value(yield* open(sealed, `signing_key/${id}`))
  const ours = createPrivateKey({ key: { kty: "OKP", crv: "Ed25519", x, d }, format: "jwk" })
  const signatures = {
    none: () => "",
    "public key as secret": () => createHmac("sha256", x).update(signed).digest("base64url"),
    "another key": () => sign(null, Buffer.from(signed), privateKey).toString("base64url"),
    ours: () => sign(null, Buffer.from(signed), ours).toString("base64url"),
  }
  return `${signed}.${signatures[signature ?? "ours"]()}`
}, Effect.provide(sealer))
