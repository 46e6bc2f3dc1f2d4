/**
 * What buys the next pair of tokens, once. Each refresh token is made from the one before it and a secret of its session,
 * so that a client that repeats a refresh, or lost its answer, is given the same token again, though the database knows
 * digests alone. Neither the secret nor a used token is enough to make the next one.
 */
import { createHmac } from "node:crypto"
import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

/** A session that is not refreshed for so long is over. */
export const sessionLifetime = Duration.days(30)

/** For so long a repeat of a refresh is a retry, whatever became of its answer. */
export const reuseInterval = Duration.seconds(10)

/** The token that follows `token` in its session. */
export const nextRefreshToken = (secret: Uint8Array, token: Redacted.Redacted<string>): Redacted.Redacted<string> =>
  Redacted.make(createHmac("sha256", secret).update(Redacted.value(token)).digest("base64url"), { label: "token" })

/** What is known of a refresh token that was shown. */
export interface ShownToken {
  /** How long ago it was first exchanged; null: it is the current one. */
  readonly usedMillisAgo: number | null
  /** Whether the token that it was exchanged for was exchanged in turn. */
  readonly childUsed: boolean
}

/**
 * What to do about it. `exchange`: it is the current one. `repeat`: a retry, or a client that never got the answer, is
 * given the same next token. `reused`: somebody else holds a copy (RFC 9700, section 4.14.2).
 */
export const judge = ({ usedMillisAgo, childUsed }: ShownToken): "exchange" | "repeat" | "reused" => {
  if (usedMillisAgo === null) return "exchange"
  return usedMillisAgo <= Duration.toMillis(reuseInterval) || !childUsed ? "repeat" : "reused"
}

/** No refresh token of ours, or one that is long over. */
export class RefreshTokenInvalid extends Schema.TaggedError<RefreshTokenInvalid>()("RefreshTokenInvalid", {}) {}

/** The token was used before, by whomever; its session is over. */
export class RefreshTokenReused extends Schema.TaggedError<RefreshTokenReused>()("RefreshTokenReused", {}) {}
