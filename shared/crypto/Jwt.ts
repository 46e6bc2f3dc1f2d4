/**
 * Signed claims: EdDSA over Ed25519 (RFC 8037) and nothing else, by `jose`. The algorithm, issuer, audience, type and
 * times are all checked; whatever is missing, unknown or malformed is refused.
 */

import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import { SourceError } from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { JWSSignatureVerificationFailed, JWTClaimValidationFailed, JWTExpired } from "jose/errors"
import { SignJWT } from "jose/jwt/sign"
import { jwtVerify } from "jose/jwt/verify"
import { importKeys, type PublicJwk, SigningKeysInvalid } from "./signingKeys.ts"

const algorithm = "EdDSA"
/** How far two clocks may be apart, in seconds. */
const clockSkewSeconds = 5
/** No token of ours is longer; longer ones are not even parsed. */
const maxLength = 8192

/** The token was not signed by a known key, is for somebody else, or its time is over. */
export class TokenInvalid extends Schema.TaggedError<TokenInvalid>()("TokenInvalid", {
  reason: Schema.Literals(["malformed", "unknownKey", "signature", "expired", "claims"]),
}) {}

/** What to sign. */
export interface Claims {
  /** Whom the token speaks of (`sub`). */
  readonly subject: string
  /** Who may accept it (`aud`). */
  readonly audience: string
  /** How long it holds (`exp`). */
  readonly lifetime: Duration.Input
  /** The token's own id (`jti`). Unset: none. */
  readonly id?: string
  /** Further claims; the registered ones above win. */
  readonly claims?: Readonly<Record<string, unknown>>
}

/** What a token that was accepted says. */
export interface VerifiedToken {
  readonly subject: string
  readonly issuer: string
  readonly audience: string
  readonly id: string | undefined
  readonly keyId: string
  /** Unix seconds. */
  readonly issuedAt: number
  /** Unix seconds. */
  readonly expiresAt: number
  /** All claims, the registered ones too; decode before use. */
  readonly claims: Readonly<Record<string, unknown>>
}

const decodePayload = Schema.decodeUnknownOption(
  Schema.Struct({
    iss: Schema.String,
    sub: Schema.String,
    iat: Schema.Finite,
    exp: Schema.Finite,
    jti: Schema.optional(Schema.String),
  }),
)

const whyRefused = (cause: unknown): TokenInvalid["reason"] => {
  if (cause instanceof TokenInvalid) return cause.reason
  if (cause instanceof JWTExpired) return "expired"
  if (cause instanceof JWTClaimValidationFailed) return "claims"
  if (cause instanceof JWSSignatureVerificationFailed) return "signature"
  return "malformed"
}

/** Builds from the keys in a variable; unusable keys are a configuration error that names it. */
const fromVariable = <A>(
  variable: string,
  make: (keys: Redacted.Redacted<string>) => Effect.Effect<A, SigningKeysInvalid>,
): Effect.Effect<A, Config.ConfigError> =>
  Effect.flatMap(Config.Redacted(variable), (keys) =>
    Effect.mapError(
      make(keys),
      ({ expected }) =>
        new Config.ConfigError(new SourceError({ message: `${variable} is malformed: expected ${expected}` })),
    ),
  )

export class JwtSigner extends Context.Service<
  JwtSigner,
  {
    /** A compact JWS of these claims, with `iss`, `iat`, `nbf` and `kid`. */
    readonly sign: (claims: Claims) => Effect.Effect<string>
    /** The public halves of all keys, to publish or to hand to a verifier as `JSON.stringify({ keys })`. */
    readonly publicKeys: ReadonlyArray<PublicJwk>
  }
>()("shared/crypto/JwtSigner") {
  /** A signer of its own, where one process needs several. `type` becomes the header's `typ`. */
  static readonly make = (options: {
    /** A private JWKS (the first key signs, the others are only published), or PKCS8 in base64. */
    readonly keys: Redacted.Redacted<string>
    readonly issuer: string
    readonly type?: string
  }): Effect.Effect<JwtSigner["Service"], SigningKeysInvalid> =>
    Effect.gen(function* () {
      const keys = yield* importKeys(options.keys)
      const { id, private: key } = keys[0]
      if (key === undefined) return yield* new SigningKeysInvalid({ expected: "a private key to sign with" })
      const header = { alg: algorithm, kid: id, typ: options.type ?? "JWT" }
      return {
        publicKeys: keys.map((each) => each.jwk),
        sign: Effect.fnUntraced(function* (claims: Claims) {
          const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
          const jwt = new SignJWT({ ...claims.claims })
            .setProtectedHeader(header)
            .setIssuer(options.issuer)
            .setSubject(claims.subject)
            .setAudience(claims.audience)
            .setIssuedAt(now)
            .setNotBefore(now)
            .setExpirationTime(now + Math.ceil(Duration.toSeconds(claims.lifetime)))
          return yield* Effect.promise(() => (claims.id === undefined ? jwt : jwt.setJti(claims.id)).sign(key))
        }),
      }
    })

  static readonly layer = (options: Parameters<typeof JwtSigner.make>[0]) =>
    Layer.effect(JwtSigner, JwtSigner.make(options))

  /** Reads the private keys from a variable, `TOKEN_SIGNING_KEYS` unless named otherwise. */
  static readonly layerConfig = (options: {
    readonly issuer: string
    readonly type?: string
    readonly variable?: string
  }) => {
    const variable = options.variable ?? "TOKEN_SIGNING_KEYS"
    return Layer.effect(
      JwtSigner,
      fromVariable(variable, (keys) => JwtSigner.make({ ...options, keys })),
    )
  }
}

export class JwtVerifier extends Context.Service<
  JwtVerifier,
  {
    /** What the token says, if all about it is right for this audience. Never says which check failed to the caller. */
    readonly verify: (token: string, audience: string) => Effect.Effect<VerifiedToken, TokenInvalid>
  }
>()("shared/crypto/JwtVerifier") {
  /** A verifier of its own, where one process needs several. Tokens of another issuer or `type` are refused. */
  static readonly make = (options: {
    /** A JWKS, public or private, or one key as SPKI or PKCS8 in base64. */
    readonly keys: Redacted.Redacted<string>
    readonly issuer: string
    readonly type?: string
  }): Effect.Effect<JwtVerifier["Service"], SigningKeysInvalid> =>
    Effect.map(importKeys(options.keys), (keys) => {
      const byId = new Map(keys.map((key) => [key.id, key]))
      return {
        verify: Effect.fnUntraced(function* (token: string, audience: string) {
          if (token.length > maxLength) return yield* new TokenInvalid({ reason: "malformed" })
          const now = yield* Clock.currentTimeMillis
          const { payload, protectedHeader } = yield* Effect.tryPromise({
            try: () =>
              jwtVerify(
                token,
                ({ kid }) => {
                  const key = byId.get(kid ?? "")
                  if (key === undefined) throw new TokenInvalid({ reason: "unknownKey" })
                  return key.public
                },
                {
                  algorithms: [algorithm],
                  issuer: options.issuer,
                  audience,
                  typ: options.type ?? "JWT",
                  clockTolerance: clockSkewSeconds,
                  currentDate: new Date(now),
                  requiredClaims: ["sub", "iat", "exp"],
                },
              ),
            catch: (cause) => new TokenInvalid({ reason: whyRefused(cause) }),
          })
          return yield* Option.match(decodePayload(payload), {
            onNone: () => Effect.fail(new TokenInvalid({ reason: "claims" })),
            onSome: ({ iss, sub, iat, exp, jti }) =>
              Effect.succeed<VerifiedToken>({
                subject: sub,
                issuer: iss,
                audience,
                id: jti,
                keyId: protectedHeader.kid ?? "",
                issuedAt: iat,
                expiresAt: exp,
                claims: payload,
              }),
          })
        }),
      }
    })

  static readonly layer = (options: Parameters<typeof JwtVerifier.make>[0]) =>
    Layer.effect(JwtVerifier, JwtVerifier.make(options))

  /** Reads the keys from a variable, `TOKEN_SIGNING_KEYS` unless named otherwise; private keys are read as public. */
  static readonly layerConfig = (options: {
    readonly issuer: string
    readonly type?: string
    readonly variable?: string
  }) => {
    const variable = options.variable ?? "TOKEN_SIGNING_KEYS"
    return Layer.effect(
      JwtVerifier,
      fromVariable(variable, (keys) => JwtVerifier.make({ ...options, keys })),
    )
  }
}
