/** Second factors -> authsome.identity.v1, the same words to both faces. */
import type { MessageInitShape } from "@bufbuild/protobuf"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { TotpChallengeSchema } from "#gen/authsome/identity/v1/session_pb.ts"
import type { SignInChallengeSchema } from "#gen/authsome/identity/v1/tenant_auth_pb.ts"
import { actorOf } from "#shared/recording/Actor.ts"
import { Caller } from "#shared/rpc/Caller.ts"
import { toTimestamp } from "../users/proto.ts"
import type { Enrolment } from "./Authenticator.ts"
import type { RecoveryCodes } from "./Authenticators.ts"
import type { Challenge } from "./Challenge.ts"

/** Through whom the person signs in. */
export const callerName = Effect.map(Caller, (caller) => {
  const { kind, id } = actorOf(caller)
  return `${kind}/${id}`
})

export const toEnrolment = ({ secret, uri, qrCodeSvg }: Enrolment) => ({
  secret: Redacted.value(secret),
  otpauthUri: Redacted.value(uri),
  qrCodeSvg: Redacted.value(qrCodeSvg),
})

export const toRecoveryCodes = (codes: RecoveryCodes) => ({ recoveryCodes: codes.map(Redacted.value) })

export const toTotpChallenge = ({ token, expiresAt }: Challenge): MessageInitShape<typeof TotpChallengeSchema> => ({
  challengeToken: Redacted.value(token),
  expiresAt: toTimestamp(expiresAt),
})

export const toSignInChallenge = ({ token, expiresAt }: Challenge): MessageInitShape<typeof SignInChallengeSchema> => ({
  token: Redacted.value(token),
  expiresAt: toTimestamp(expiresAt),
})

/** How many are left, where one was used. */
export const toCodesLeft = (left: number | undefined) => (left === undefined ? {} : { recoveryCodesLeft: left })
