/** The proxy's word for a key towards the instance: a short-lived EdDSA JWT that says which key came, and what it may do. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { JwtSigner } from "#shared/crypto/Jwt.ts"
import type { Route } from "./Route.ts"

/** The issuer that instances expect. */
export const issuer = "authsome-proxy"

const lifetime = Duration.minutes(5)

export interface Identity {
  readonly token: string
  /** Epoch milliseconds. */
  readonly expiresAt: number
}

export class Identities extends Context.Service<
  Identities,
  {
    /** An identity for the application's instance: `aud` the application, `sub` the key, `kind`, `scp`; good for 5 minutes. */
    readonly issue: (route: Route) => Effect.Effect<Identity>
  }
>()("proxy/routes/Identities") {
  static readonly layer = Layer.effect(
    Identities,
    Effect.map(JwtSigner, (signer) => ({
      issue: Effect.fnUntraced(function* (route: Route) {
        const now = yield* Clock.currentTimeMillis
        const token = yield* signer.sign({
          subject: route.keyId,
          audience: route.applicationId,
          lifetime,
          claims: { kind: route.keyKind, scp: route.scopes },
        })
        return { token, expiresAt: now + Duration.toMillis(lifetime) }
      }),
    })),
  )
}
