/** User and TokenPair as messages. */
import type { MessageInitShape } from "@bufbuild/protobuf"
import * as Redacted from "effect/Redacted"
import type { UserSchema } from "#gen/authsome/control/v1/user_pb.ts"
import { toTimestamp } from "../timestamp.ts"
import type { TokenPair } from "./Session.ts"
import type { User } from "./User.ts"

export const toUser = (user: User): MessageInitShape<typeof UserSchema> => ({
  id: user.id,
  email: user.email,
  name: user.name,
  // No account can turn TOTP on yet.
  totpEnabled: false,
  createdAt: toTimestamp(user.createdAt),
})

/** The pair in the clear, for its owner. */
export const toTokens = ({ token, refreshToken, expiresAt }: TokenPair) => ({
  token: Redacted.value(token),
  refreshToken: Redacted.value(refreshToken),
  expiresAt: toTimestamp(expiresAt),
})
