/** What Nova notes of a user in Zitadel's metadata: who that is, and the last known good claims. */
import * as Option from "effect/Option"
import { parseUserId, type UserId } from "../users/User.ts"
import { type ClaimSet, parseClaims } from "./claims.ts"

/** The metadata that names the user of Nova. */
export const novaUserId = "nova_user_id"
/** The metadata with the claims, as JSON. */
export const novaClaims = "nova_claims"
/** How both begin. */
export const notesPrefix = "nova_"

/** Whom a note names; none where that is nobody of ours. What an action wrote is JSON. */
export const namedIn = (text: string): Option.Option<UserId> => parseUserId(/^"(.*)"$/.exec(text)?.[1] ?? text)

/** Whether claims may be those of that user. If not, somebody has put right who that is since they were noted. */
export const mayBeOf = (id: UserId, { sub }: ClaimSet): boolean =>
  typeof sub !== "string" || Option.contains<UserId>(id)(parseUserId(sub))

/** The names of those notes that are about that user, and not about somebody else. */
export const notesOf = (id: UserId, notes: ReadonlyMap<string, string>): ReadonlyArray<string> => {
  const isOf = {
    [novaClaims]: (text: string) =>
      Option.match(parseClaims(text), { onNone: () => true, onSome: (claims) => mayBeOf(id, claims) }),
    [novaUserId]: (text: string) =>
      Option.match(namedIn(text), { onNone: () => true, onSome: (named) => named === id }),
  }
  return Object.entries(isOf).flatMap(([name, test]) => {
    const text = notes.get(name)
    return text !== undefined && test(text) ? [name] : []
  })
}
