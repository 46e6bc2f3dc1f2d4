/** Who in Zitadel is a person of ours. To take somebody for another would put one's claims into the other's tokens. */
import * as Option from "effect/Option"
import type { User, UserId } from "../../users/User.ts"
import type { ZitadelUser } from "../management/Users.ts"
import { namedIn, novaUserId } from "../notes.ts"

/** Somebody in Zitadel who might be ours, and what is noted of them. */
export interface Candidate {
  readonly user: ZitadelUser
  readonly notes: ReadonlyMap<string, string>
}

/** The forms in which Zitadel may have an id of ours as its own, where people were imported with their ids. */
export const importedIds = (id: UserId): ReadonlyArray<string> => [id, id.replaceAll("-", "")]

/** Whom notes name, none where it is nobody of ours. Undefined: they name none. */
export const namedBy = (notes: Candidate["notes"]): Option.Option<UserId> | undefined => {
  const text = notes.get(novaUserId)
  return text === undefined ? undefined : namedIn(text)
}

const sameAddress = (one: string | null | undefined, other: string | null | undefined): boolean =>
  typeof one === "string" && typeof other === "string" && one.toLowerCase() === other.toLowerCase()

/**
 * Whoever is noted as ours, else whoever has our id, else whoever has our address, verified there and here; and nobody
 * who is noted as somebody else. None where that is nobody, or more than one.
 */
export const match = (user: User, candidates: ReadonlyArray<Candidate>): Option.Option<ZitadelUser> => {
  const is = (candidate: Candidate) => Option.contains<UserId>(user.id)(namedBy(candidate.notes) ?? Option.none())
  const free = candidates.filter(({ notes }) => namedBy(notes) === undefined)
  const [chosen, ...others] =
    [
      candidates.filter(is),
      free.filter(({ user: { id } }) => importedIds(user.id).includes(id)),
      free.filter(({ user: { verifiedEmail } }) => user.emailVerified && sameAddress(verifiedEmail, user.email)),
    ].find((group) => group.length > 0) ?? []
  return chosen === undefined || others.length > 0 ? Option.none() : Option.some(chosen.user)
}
