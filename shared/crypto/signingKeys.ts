/** Ed25519 keys to sign and verify with, from the forms in which they are configured. */
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { sha256 } from "./digest.ts"

/** Key material that cannot be used: never shows the material itself. */
export class SigningKeysInvalid extends Schema.TaggedError<SigningKeysInvalid>()("SigningKeysInvalid", {
  expected: Schema.String,
}) {
  override get message(): string {
    return `expected ${this.expected}`
  }
}

/** A public key as the key set of RFC 7517 shows it. */
export interface PublicJwk {
  readonly kty: "OKP"
  readonly crv: "Ed25519"
  readonly x: string
  readonly kid: string
  readonly alg: "EdDSA"
  readonly use: "sig"
}

/** A key by its `kid`. */
export interface SigningKey {
  readonly id: string
  readonly private: KeyObject | undefined
  readonly public: KeyObject
  readonly jwk: PublicJwk
}

const Jwk = Schema.Struct({
  kty: Schema.Literal("OKP"),
  crv: Schema.Literal("Ed25519"),
  x: Schema.String,
  d: Schema.optionalKey(Schema.String),
  kid: Schema.optionalKey(Schema.NonEmptyString),
})

const KeySet = Schema.fromJsonString(Schema.Struct({ keys: Schema.NonEmptyArray(Jwk) }))

const describe = (material: KeyObject, kid: string | undefined): Effect.Effect<SigningKey, SigningKeysInvalid> => {
  const publicKey = material.type === "private" ? createPublicKey(material) : material
  const { kty, crv, x } = publicKey.export({ format: "jwk" })
  if (kty !== "OKP" || crv !== "Ed25519" || x === undefined) {
    return Effect.fail(new SigningKeysInvalid({ expected: "Ed25519 keys" }))
  }
  const id = kid ?? thumbprint(x)
  return Effect.succeed({
    id,
    private: material.type === "private" ? material : undefined,
    public: publicKey,
    jwk: { kty, crv, x, kid: id, alg: "EdDSA", use: "sig" },
  })
}

/** RFC 7638, with the members that RFC 8037 requires of an Ed25519 key. */
const thumbprint = (x: string): string =>
  sha256(JSON.stringify({ crv: "Ed25519", kty: "OKP", x })).toString("base64url")

const importJwk = (jwk: typeof Jwk.Type): Effect.Effect<SigningKey, SigningKeysInvalid> =>
  Effect.try({
    try: () =>
      jwk.d === undefined
        ? createPublicKey({ key: { kty: jwk.kty, crv: jwk.crv, x: jwk.x }, format: "jwk" })
        : createPrivateKey({ key: { kty: jwk.kty, crv: jwk.crv, x: jwk.x, d: jwk.d }, format: "jwk" }),
    catch: () => new SigningKeysInvalid({ expected: "a JWKS of Ed25519 keys" }),
  }).pipe(Effect.flatMap((key) => describe(key, jwk.kid)))

const importDer = (text: string): Effect.Effect<SigningKey, SigningKeysInvalid> => {
  const der = { key: Buffer.from(text, "base64"), format: "der" } as const
  return Effect.try({
    try: () => createPrivateKey({ ...der, type: "pkcs8" }),
    catch: () => new SigningKeysInvalid({ expected: "PKCS8" }),
  }).pipe(
    Effect.catch(() =>
      Effect.try({
        try: () => createPublicKey({ ...der, type: "spki" }),
        catch: () => new SigningKeysInvalid({ expected: "a JWKS, or base64 DER (PKCS8 private or SPKI public)" }),
      }),
    ),
    Effect.flatMap((key) => describe(key, undefined)),
  )
}

/**
 * The keys in `material`: a JWKS as JSON, or one key as base64 of its DER (PKCS8 if private, SPKI if public). Keys
 * without a `kid` are named by their thumbprint (RFC 7638).
 */
export const importKeys = (
  material: Redacted.Redacted<string>,
): Effect.Effect<readonly [SigningKey, ...ReadonlyArray<SigningKey>], SigningKeysInvalid> => {
  const text = Redacted.value(material).trim()
  if (!text.startsWith("{")) return Effect.map(importDer(text), (key) => [key])
  return Schema.decodeUnknownEffect(KeySet)(text).pipe(
    Effect.mapError(() => new SigningKeysInvalid({ expected: "a JWKS of Ed25519 keys" })),
    Effect.flatMap(({ keys: [first, ...rest] }) =>
      Effect.all([importJwk(first), Effect.forEach(rest, importJwk)]).pipe(
        Effect.map(([head, tail]) => [head, ...tail]),
      ),
    ),
  )
}
