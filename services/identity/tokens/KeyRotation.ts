/** When the keys of access tokens come and go: each is published, signs, and is accepted until its last token is over. */
import * as Duration from "effect/Duration"
import { accessTokenLifetime } from "./AccessToken.ts"

/** For so long a key signs. */
export const signingTime = Duration.days(90)

/** So long before it signs a key is published, that whoever keeps the public keys has looked again by then. */
export const publishedAhead = Duration.days(1)

/** A process that has not heard of the next key yet may go on with the one before it for this time. */
export const handover = Duration.minutes(5)

/** So long after its time to sign a key is accepted: until the last token that it may have signed is over. */
export const acceptedAfter = Duration.sum(accessTokenLifetime, handover)

export interface KeyState {
  /** `coming`: published, and its time to sign has not come. */
  readonly state: "coming" | "signing" | "signed"
  /** Since when it signs, or has ended to: milliseconds; 0 while it is coming. */
  readonly sinceMillis: number
  /** The private key is still there. */
  readonly hasPrivateKey: boolean
}

/**
 * What is to be done. `first`: nothing signs, so make a key that does at once. `next`: make the key that takes over.
 * `retire`: a private key has no use any more.
 */
export const due = (keys: ReadonlyArray<KeyState>): "first" | "next" | "retire" | undefined => {
  const signing = keys.filter(({ state }) => state === "signing")
  if (signing.length === 0) return "first"
  const longest = Math.max(...signing.map(({ sinceMillis }) => sinceMillis))
  const isOld = longest >= Duration.toMillis(signingTime) - Duration.toMillis(publishedAhead)
  if (isOld && !keys.some(({ state }) => state === "coming")) return "next"
  const useless = ({ state, sinceMillis, hasPrivateKey }: KeyState) =>
    state === "signed" && hasPrivateKey && sinceMillis >= Duration.toMillis(handover)
  return keys.some(useless) ? "retire" : undefined
}
