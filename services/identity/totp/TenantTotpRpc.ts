/** The part of authsome.identity.v1.TenantAuthService that is about codes. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { TenantAuthService } from "#gen/authsome/identity/v1/tenant_auth_pb.ts"
import { changed } from "#shared/rpc/Change.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { InvalidCredentials } from "../credentials/Credential.ts"
import { PasswordChanges } from "../credentials/PasswordChanges.ts"
import { refuse } from "../proto.ts"
import { toIssuedSession } from "../sessions/proto.ts"
import { endUser, personsClient, tellActive } from "../tenant/rpc.ts"
import { toSessionUser } from "../users/proto.ts"
import { Authenticators } from "./Authenticators.ts"
import { Challenges } from "./Challenges.ts"
import type { Typed } from "./Codes.ts"
import { callerName, toCodesLeft, toEnrolment, toRecoveryCodes } from "./proto.ts"

type Names =
  | "answerTotpChallenge"
  | "enrollOwnTotp"
  | "confirmOwnTotp"
  | "disableOwnTotp"
  | "regenerateOwnRecoveryCodes"

export const handlers = Effect.gen(function* () {
  const challenges = yield* Challenges
  const authenticators = yield* Authenticators
  const passwords = yield* PasswordChanges

  /** A change of the end user's own account that takes a code. */
  const byCode = <A>(
    prepare: (
      typed: Typed,
    ) => Effect.Effect<Effect.Effect<A, Parameters<typeof refuse>[0]>, Parameters<typeof refuse>[0]>,
  ) =>
    Effect.fnUntraced(function* ({ code }: { readonly code: string }) {
      const { userId } = yield* endUser
      const ready = yield* Effect.catch(prepare({ userId, code, client: yield* personsClient }), refuse)
      return ready.pipe(Effect.tap(changed({ type: "user", id: userId })), Effect.catch(refuse))
    })

  const made: Pick<Handlers.Handlers<typeof TenantAuthService>, Names> = {
    answerTotpChallenge: Handlers.prepared(
      Effect.fnUntraced(function* ({ challengeToken, code }) {
        const asker = { client: yield* personsClient, caller: yield* callerName }
        const answer = { token: Redacted.make(challengeToken), code, ...asker }
        const ready = yield* Effect.catch(challenges.prepareAnswer(answer), refuse)
        return Effect.gen(function* () {
          const { user, tokens, recoveryCodesLeft } = yield* Effect.catch(ready, refuse)
          yield* changed({ type: "user", id: user.id })
          yield* tellActive(user.id)
          const left = toCodesLeft(recoveryCodesLeft)
          return { user: toSessionUser(user), session: toIssuedSession(tokens), ...left }
        })
      }),
    ),

    enrollOwnTotp: Effect.fnUntraced(function* ({ password }) {
      const { userId } = yield* endUser
      const right = yield* passwords.check(userId, Redacted.make(password), yield* personsClient)
      if (!right) return yield* new InvalidCredentials()
      return toEnrolment(yield* authenticators.enroll(userId))
    }, Effect.catch(refuse)),

    confirmOwnTotp: Handlers.prepared((request) =>
      Effect.map(byCode(authenticators.prepareConfirm)(request), Effect.map(toRecoveryCodes)),
    ),

    disableOwnTotp: Handlers.prepared((request) =>
      Effect.map(byCode(authenticators.prepareDisable)(request), Effect.as({})),
    ),

    regenerateOwnRecoveryCodes: Handlers.prepared((request) =>
      Effect.map(byCode(authenticators.prepareRecoveryCodes)(request), Effect.map(toRecoveryCodes)),
    ),
  }
  return made
})
