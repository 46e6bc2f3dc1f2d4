/** Everything that is stored about a person. */

export type Fact = string | number | boolean | Date | null | ReadonlyArray<Fact> | { readonly [name: string]: Fact }

/** One row, without its secrets. */
export type Facts = Readonly<Record<string, Fact>>

/** What there may be many of. */
export const lists = ["sessions", "securityEvents", "mails", "mailedTokens", "zitadel"] as const

export type ListName = (typeof lists)[number]

export interface PersonalData extends Readonly<Record<ListName, ReadonlyArray<Facts>>> {
  readonly user: Facts
  readonly totp: Facts
  readonly organizations: ReadonlyArray<Facts>
  /** Lists that were longer: their newest entries are here. */
  readonly truncated: ReadonlyArray<ListName>
}

/** So many entries of a list are shown, that an answer may be sent as one message. */
export const mostOfAList = 5000
