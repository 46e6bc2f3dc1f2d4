/** The part of authsome.identity.v1.IdentityService that is about codes. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { IdentityService } from "#gen/authsome/identity/v1/identity_service_pb.ts"
import { changed } from "#shared/rpc/Change.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { refuse } from "../proto.ts"
import { fromClientInfo, toTokens } from "../sessions/proto.ts"
import type { ClientInfo } from "../sessions/Session.ts"
import { toUser } from "../users/proto.ts"
import { UserId } from "../users/User.ts"
import { Authenticators } from "./Authenticators.ts"
import { Challenges } from "./Challenges.ts"
import { callerName, toCodesLeft, toEnrolment, toRecoveryCodes } from "./proto.ts"

type Names = "verifyTotp" | "enrollTotp" | "confirmTotp" | "disableTotp" | "regenerateRecoveryCodes"

// The contract has checked that an id is a UUID; the database has them in lower case.
const userIdOf = (text: string) => UserId.make(text.toLowerCase())

export const handlers = Effect.gen(function* () {
  const challenges = yield* Challenges
  const authenticators = yield* Authenticators

  /** The rest of a change of this account, once its code was judged. */
  const changing =
    (id: UserId, origin: ClientInfo) =>
    <A>(ready: Effect.Effect<A, Parameters<typeof refuse>[0]>) =>
      ready.pipe(Effect.tap(changed({ type: "user", id, origin })), Effect.catch(refuse))

  const made: Pick<Handlers.Handlers<typeof IdentityService>, Names> = {
    verifyTotp: Handlers.prepared(
      Effect.fnUntraced(function* ({ challengeToken, code, client: info }) {
        const client = fromClientInfo(info)
        const answer = { token: Redacted.make(challengeToken), code, client, caller: yield* callerName }
        const ready = yield* Effect.catch(challenges.prepareAnswer(answer), refuse)
        return ready.pipe(
          Effect.tap(({ user }) => changed({ type: "user", id: user.id, origin: client })),
          Effect.map(({ user, tokens, recoveryCodesLeft }) => ({
            ...{ user: toUser(user), tokens: toTokens(tokens) },
            ...toCodesLeft(recoveryCodesLeft),
          })),
          Effect.catch(refuse),
        )
      }),
    ),

    enrollTotp: ({ userId }) =>
      authenticators.enroll(userIdOf(userId)).pipe(Effect.map(toEnrolment), Effect.catch(refuse)),

    confirmTotp: Handlers.prepared(({ userId, code }) => {
      const [id, client] = [userIdOf(userId), fromClientInfo(undefined)]
      return authenticators
        .prepareConfirm({ userId: id, code, client })
        .pipe(Effect.map(changing(id, client)), Effect.map(Effect.map(toRecoveryCodes)), Effect.catch(refuse))
    }),

    disableTotp: Handlers.prepared(({ userId, code, client: info }) => {
      const [id, client] = [userIdOf(userId), fromClientInfo(info)]
      return authenticators
        .prepareDisable({ userId: id, code, client })
        .pipe(Effect.map(changing(id, client)), Effect.map(Effect.as({})), Effect.catch(refuse))
    }),

    regenerateRecoveryCodes: Handlers.prepared(({ userId, code, client: info }) => {
      const [id, client] = [userIdOf(userId), fromClientInfo(info)]
      return authenticators
        .prepareRecoveryCodes({ userId: id, code, client })
        .pipe(Effect.map(changing(id, client)), Effect.map(Effect.map(toRecoveryCodes)), Effect.catch(refuse))
    }),
  }
  return made
})
