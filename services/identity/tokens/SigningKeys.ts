/** The keys of access tokens: made at the first start, sealed in the database, and read again every minute. */
import { generateKeyPairSync } from "node:crypto"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { JwtSigner, JwtVerifier } from "#shared/crypto/Jwt.ts"
import { Sealer } from "#shared/crypto/Sealer.ts"
import type { PublicJwk } from "#shared/crypto/signingKeys.ts"
import { shortId } from "#shared/ids/Id.ts"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { TransactionStore } from "../database/TransactionStore.ts"
import { accessTokenType } from "./AccessToken.ts"
import { SigningKeyStore, type StoredSigningKey } from "./SigningKeyStore.ts"

/** A key that another process made is known here after this time: publish it so much earlier than it signs. */
const reloadEvery = Duration.minutes(1)

/** The private keys were sealed by a key that `SEALING_KEYS` no longer holds. */
export class SigningKeysSealed extends Schema.TaggedError<SigningKeysSealed>()("SigningKeysSealed", {
  keyId: Schema.String,
}) {
  override get message(): string {
    return `SEALING_KEYS does not hold the key that the signing key ${this.keyId} was sealed with`
  }
}

/** The keys as they are used. */
export interface KeyRing {
  readonly sign: JwtSigner["Service"]["sign"]
  readonly verify: JwtVerifier["Service"]["verify"]
  /** The one in use comes first. */
  readonly publicKeys: ReadonlyArray<PublicJwk>
}

export class SigningKeys extends Context.Service<
  SigningKeys,
  {
    /** The keys of now, of up to a minute ago. Not to be used within a transaction: it may commit one of its own. */
    readonly ring: Effect.Effect<KeyRing, DatabaseFailed>
  }
>()("identity/SigningKeys") {
  /** Tokens are made and taken in the name of `issuer`. Starts without a database; not with keys that do not open. */
  static readonly layer = (issuer: string) =>
    Layer.effect(
      SigningKeys,
      Effect.gen(function* () {
        const { atomically } = yield* TransactionStore
        const store = yield* SigningKeyStore
        const sealer = yield* Sealer

        const makeKey = Effect.gen(function* () {
          yield* store.lock
          const others = yield* store.accepted
          if (others.some(({ signs }) => signs)) return others
          const { x = "", d = "" } = yield* newKeyPair
          const id = yield* shortId("sig", 10)
          const privateKey = yield* sealer.seal(Redacted.make(d), placeOf(id))
          yield* store.insert({ id, publicKey: x, privateKey })
          yield* Effect.logInfo("a signing key was made", { key_id: id })
          return yield* store.accepted
        }).pipe(atomically)

        const opened = ({ id, publicKey, privateKey, signs }: StoredSigningKey) =>
          privateKey === null || !signs
            ? Effect.succeed(jwk(id, publicKey))
            : sealer.open(privateKey, placeOf(id)).pipe(
                Effect.map((d) => ({ ...jwk(id, publicKey), d: Redacted.value(d) })),
                Effect.mapError(() => new SigningKeysSealed({ keyId: id })),
              )

        const load = Effect.gen(function* () {
          const known = yield* store.accepted
          const rows = known.some(({ signs }) => signs) ? known : yield* makeKey
          const keys = Redacted.make(JSON.stringify({ keys: yield* Effect.forEach(rows, opened) }))
          const options = { keys, issuer, type: accessTokenType }
          const [signer, verifier] = yield* Effect.orDie(
            Effect.all([JwtSigner.make(options), JwtVerifier.make(options)]),
          )
          return { sign: signer.sign, verify: verifier.verify, publicKeys: signer.publicKeys }
        })

        // Uninterruptible, since those who wait for the first one's look would be interrupted with it.
        const ring = yield* Effect.uninterruptible(load).pipe(
          Effect.cachedWithTTL((exit) => (Exit.isSuccess(exit) ? reloadEvery : Duration.zero)),
        )
        yield* Effect.catchTag(ring, "DatabaseFailed", ({ message }) =>
          Effect.logWarning("the signing keys cannot be read for now", message),
        )
        return SigningKeys.of({ ring: Effect.catchTag(ring, "SigningKeysSealed", Effect.die) })
      }),
    )
}

const placeOf = (id: string) => `signing_key/${id}`

const jwk = (kid: string, x: string) => ({ kty: "OKP", crv: "Ed25519", kid, x })

const newKeyPair = Effect.sync(() => generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" }))
