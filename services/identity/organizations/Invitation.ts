/** A membership that waits for the person whom a mail has reached. */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import type { UserId } from "../users/User.ts"
import type { MemberId } from "./Member.ts"
import type { OrganizationId } from "./Organization.ts"

export const invitationLifetime = Duration.days(7)

/** What the token of a mail stands for. */
export interface Invitation {
  readonly memberId: MemberId
  readonly organizationId: OrganizationId
  /** Where the mail went. */
  readonly email: string
  /** Who has accepted; null: nobody. */
  readonly acceptedBy: UserId | null
  /** Nobody has accepted, and its time is not over. */
  readonly open: boolean
}

/** For whom an invitation was; the case of an address does not tell two people apart. */
export const isFor = ({ email }: Invitation, address: string | null): boolean =>
  email.toLowerCase() === address?.toLowerCase()

/** What mail programs make links of: a dot, slash, colon or at sign with something behind it. */
const linkLike = /[./:@\\。]\S/u

/**
 * An organization's name as a mail to a stranger may have it: on one line, and none at all where it could be taken for a
 * link, since who names organizations could otherwise have us send people anywhere.
 */
export const nameInMail = (name: string): string | undefined => {
  const plain = name.replaceAll(/[\p{C}\p{Z}\s]+/gu, " ").trim()
  return plain === "" || linkLike.test(plain.normalize("NFKC")) ? undefined : plain
}

/** The token is unknown, was for another address, or was taken, withdrawn or replaced: nobody is told which. */
export class InvitationInvalid extends Schema.TaggedError<InvitationInvalid>()("InvitationInvalid", {}) {}
