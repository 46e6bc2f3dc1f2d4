/**
 * What the parts of the stack know each other by, made at the first start and kept: data sealed, and databases made, with
 * yesterday's secrets must open with today's.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type { PlatformError } from "effect/PlatformError"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { randomBytes } from "#shared/crypto/random.ts"
import { writeWhole } from "./writeWhole.ts"

/** The file of secrets holds something else; making new ones would lock out what was sealed with the old. */
export class SecretsUnreadable extends Schema.TaggedError<SecretsUnreadable>()("SecretsUnreadable", {
  file: Schema.String,
}) {
  override get message(): string {
    return `${this.file} is not a JSON object of strings; repair it, or remove the whole folder to begin anew`
  }
}

/** How each secret is made that is not made from another. */
const makers = {
  INTERNAL_API_KEY: token(),
  INTERNAL_GRPC_API_KEY: token(),
  SEALING_KEYS: sealingKeys(),
  PROXY_SEALING_KEYS: sealingKeys(),
  KEY_IDENTITY_PRIVATE_KEY: Effect.sync(() =>
    generateKeyPairSync("ed25519").privateKey.export({ format: "der", type: "pkcs8" }).toString("base64"),
  ),
  TOKEN_SIGNING_KEYS: Effect.sync(() => {
    const jwk = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" })
    return JSON.stringify({ keys: [{ ...jwk, kid: "local-1", alg: "EdDSA", use: "sig" }] })
  }),
  POSTGRES_PASSWORD: token(),
  CONTROL_DATABASE_PASSWORD: token(),
  PROVISIONER_DATABASE_PASSWORD: token(),
  IDENTITY_DATABASE_PASSWORD: token(),
  BILLING_DATABASE_PASSWORD: token(),
}

export type SecretName = keyof typeof makers | "KEY_IDENTITY_PUBLIC_KEY"
export type Secrets = Record.ReadonlyRecord<SecretName, Redacted.Redacted<string>>

const Stored = Schema.fromJsonString(Schema.Record(Schema.String, Schema.String))

/**
 * The secrets of the file, readable only by its owner (mode 600). Those that are missing are made and added; those that
 * are there, ours or not, are kept as they are.
 */
export const load = Effect.fnUntraced(function* (
  file: string,
): Effect.fn.Return<Secrets, SecretsUnreadable | PlatformError, FileSystem.FileSystem> {
  const files = yield* FileSystem.FileSystem
  const stored = (yield* files.exists(file))
    ? yield* Effect.mapError(
        Effect.flatMap(files.readFileString(file), Schema.decodeUnknownEffect(Stored)),
        () => new SecretsUnreadable({ file }),
      )
    : {}
  const own = yield* Effect.all(Record.map(makers, (made, name) => kept(stored, name, made)))
  // The public half follows from the private one; a file that has both keeps what it says.
  const derived = Effect.sync(() => publicKeyOf(own.KEY_IDENTITY_PRIVATE_KEY))
  const secrets = { ...own, KEY_IDENTITY_PUBLIC_KEY: yield* kept(stored, "KEY_IDENTITY_PUBLIC_KEY", derived) }
  yield* writeWhole(file, `${JSON.stringify({ ...stored, ...secrets }, undefined, 2)}\n`)
  return Record.map(secrets, (secret, name) => Redacted.make(secret, { label: name }))
})

const kept = (stored: Record.ReadonlyRecord<string, string>, name: string, made: Effect.Effect<string>) => {
  const secret = stored[name]
  return secret === undefined ? made : Effect.succeed(secret)
}

/** 256 bits in letters and digits that need no quoting in URLs, shells and SQL. */
function token(): Effect.Effect<string> {
  return Effect.map(randomBytes(32), (bytes) => Buffer.from(bytes).toString("base64url"))
}

/** One key, as `SEALING_KEYS` has it. */
function sealingKeys(): Effect.Effect<string> {
  return Effect.map(randomBytes(32), (key) => `local-1:${Buffer.from(key).toString("base64")}`)
}

/** SPKI from PKCS8, both base64 of DER. */
const publicKeyOf = (privateKey: string): string =>
  createPublicKey(createPrivateKey({ key: Buffer.from(privateKey, "base64"), format: "der", type: "pkcs8" }))
    .export({ format: "der", type: "spki" })
    .toString("base64")
