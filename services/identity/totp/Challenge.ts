/** Half a sign-in: the password was right, the code is missing. */
import type * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { sha256 } from "#shared/crypto/digest.ts"
import type { ClientInfo } from "../sessions/Session.ts"

/** Long enough to find the telephone. */
export const challengeLifetime = Duration.minutes(5)

/** So many answers are judged, right or wrong; then the sign-in starts again. */
export const mostAnswers = 5

/** What the person's client answers. */
export interface Challenge {
  readonly token: Redacted.Redacted<string>
  /** When the sign-in must start again. */
  readonly expiresAt: DateTime.Utc
}

/** Who asks and answers on the person's behalf. */
export interface Asker {
  /** The API key or program that calls. */
  readonly caller: string
  readonly client: ClientInfo
}

/**
 * A challenge is answered through the same key or program, and by the same program of the person, as it was asked for. The
 * address is not compared: a telephone that leaves the house, or a browser that has two families of addresses, changes it
 * from one request to the next.
 */
export const askerDigest = ({ caller, client }: Asker): Buffer => sha256(JSON.stringify([caller, client.userAgent]))

/** A password is known by its hash: a new one ends the challenges that the one before it has opened. */
export const passwordDigest = (passwordHash: string): Buffer => sha256(passwordHash)

/** There is no such challenge for this client, or it is answered, or over. */
export class ChallengeOver extends Schema.TaggedError<ChallengeOver>()("ChallengeOver", {}) {}
