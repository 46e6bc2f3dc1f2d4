/** The keys of access tokens: made when it is time, sealed in the database, and read again every minute. */
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
import { acceptedAfter, due, handover, publishedAhead } from "./KeyRotation.ts"
import { SigningKeyStore, type StoredSigningKey } from "./SigningKeyStore.ts"

/** A key that another process made is known here after this time, which is less than the handover from key to key. */
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
  static readonly layer = (issuer: string, options: { readonly reloadEvery?: Duration.Duration } = {}) =>
    Layer.effect(
      SigningKeys,
      Effect.gen(function* () {
        const { atomically } = yield* TransactionStore
        const store = yield* SigningKeyStore
        const sealer = yield* Sealer

        const newKey = Effect.gen(function* () {
          const { x = "", d = "" } = yield* newKeyPair
          const id = yield* shortId("sig", 10)
          const privateKey = yield* sealer.seal(Redacted.make(d), placeOf(id))
          yield* Effect.logInfo("a signing key was made", { key_id: id })
          return { id, publicKey: x, privateKey }
        })

        /** Does what is due, unless another process was faster. */
        const renewed = Effect.gen(function* () {
          yield* store.lock
          const what = due(yield* store.accepted)
          if (what === "first") yield* store.insert(yield* newKey)
          if (what === "next") yield* store.insertNext(yield* newKey, { publishedAhead, acceptedAfter })
          if (what === "retire") yield* store.retire(handover)
          return yield* store.accepted
        }).pipe(atomically)

        const opened = ({ id, publicKey, privateKey, state }: StoredSigningKey) =>
          privateKey === null || state !== "signing"
            ? Effect.succeed(jwk(id, publicKey))
            : sealer.open(privateKey, placeOf(id)).pipe(
                Effect.map((d) => ({ ...jwk(id, publicKey), d: Redacted.value(d) })),
                Effect.mapError(() => new SigningKeysSealed({ keyId: id })),
              )

        const load = Effect.gen(function* () {
          const known = yield* store.accepted
          const rows = due(known) === undefined ? known : yield* renewed
          const keys = Redacted.make(JSON.stringify({ keys: yield* Effect.forEach(rows, opened) }))
          const ours = { keys, issuer, type: accessTokenType }
          const [signer, verifier] = yield* Effect.orDie(Effect.all([JwtSigner.make(ours), JwtVerifier.make(ours)]))
          return { sign: signer.sign, verify: verifier.verify, publicKeys: signer.publicKeys }
        })

        // Uninterruptible, since those who wait for the first one's look would be interrupted with it.
        const ring = yield* Effect.uninterruptible(load).pipe(
          Effect.cachedWithTTL((exit) => (Exit.isSuccess(exit) ? (options.reloadEvery ?? reloadEvery) : Duration.zero)),
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
