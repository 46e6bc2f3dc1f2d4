/** The secrets that an instance has to itself: made once, kept sealed, opened only to be handed to the instance. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { SqlError } from "effect/sql/SqlError"
import { randomBytes } from "#shared/crypto/random.ts"
import { type SealBroken, Sealer } from "#shared/crypto/Sealer.ts"
import { opaqueToken } from "#shared/crypto/Token.ts"
import type { ApplicationId } from "./Application.ts"
import { CredentialStore } from "./CredentialStore.ts"

export interface InstanceCredentials {
  readonly databasePassword: Redacted.Redacted<string>
  readonly redisPassword: Redacted.Redacted<string>
  /** What the instance seals its own secrets with, as its `SEALING_KEYS`. */
  readonly sealingKeys: Redacted.Redacted<string>
}

export class Credentials extends Context.Service<
  Credentials,
  {
    /** Those of the application, the same for ever; made when first asked for. */
    readonly of: (id: ApplicationId) => Effect.Effect<InstanceCredentials, SealBroken | SqlError>
  }
>()("provisioner/Credentials") {
  static readonly layer = Layer.effect(
    Credentials,
    Effect.gen(function* () {
      const store = yield* CredentialStore
      const sealer = yield* Sealer
      const place = (id: ApplicationId, name: keyof InstanceCredentials) => `application/${id}/${name}`

      const make = Effect.fnUntraced(function* (id: ApplicationId) {
        const sealed = (name: keyof InstanceCredentials, secret: Redacted.Redacted<string>) =>
          sealer.seal(secret, place(id, name))
        const key = Buffer.from(yield* randomBytes(32)).toString("base64")
        yield* store.insert(id, {
          databasePassword: yield* sealed("databasePassword", yield* opaqueToken),
          redisPassword: yield* sealed("redisPassword", yield* opaqueToken),
          sealingKeys: yield* sealed("sealingKeys", Redacted.make(`instance-1:${key}`)),
        })
      })

      return Credentials.of({
        of: Effect.fn("Credentials.of")(function* (id) {
          const known = yield* store.find(id)
          if (Option.isNone(known)) yield* make(id)
          // Whoever came first made those that count.
          const sealed = Option.isSome(known) ? known : yield* store.find(id)
          const { databasePassword, redisPassword, sealingKeys } = Option.getOrThrow(sealed)
          return {
            databasePassword: yield* sealer.open(databasePassword, place(id, "databasePassword")),
            redisPassword: yield* sealer.open(redisPassword, place(id, "redisPassword")),
            sealingKeys: yield* sealer.open(sealingKeys, place(id, "sealingKeys")),
          }
        }),
      })
    }),
  ).pipe(Layer.provide(CredentialStore.layer))
}
