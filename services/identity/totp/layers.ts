/** The layers of codes and challenges. */
import * as Layer from "effect/Layer"
import { AuthenticatorStore } from "./AuthenticatorStore.ts"
import { Authenticators } from "./Authenticators.ts"
import { ChallengeStore } from "./ChallengeStore.ts"
import { Challenges } from "./Challenges.ts"
import { Codes } from "./Codes.ts"

export interface TotpConfig {
  /** What authenticators show beside the account. */
  readonly totpIssuer: string
}

const stores = Layer.merge(AuthenticatorStore.layer, ChallengeStore.layer)

export const layer = ({ totpIssuer: issuer }: TotpConfig) =>
  Layer.merge(Authenticators.layer({ issuer }), Challenges.layer).pipe(
    Layer.provide(Codes.layer),
    Layer.provide(stores),
  )
