/** What Zitadel writes into the tokens of a user: one table from accounts to claims. */
import * as DateTime from "effect/DateTime"
import type { User } from "../users/User.ts"

export type ClaimValue = string | number | boolean | null

/** What becomes of a claim without a value. */
type WhenAbsent = "omitted" | "null"

export interface ClaimRule {
  /** The name in the answer. */
  readonly claim: string
  /** The columns of `users` that it comes from; a later one stands in for an earlier one without a value. */
  readonly sources: ReadonlyArray<keyof User>
  readonly type: "string" | "boolean" | "unixSeconds"
  readonly whenAbsent: WhenAbsent
  /** The claim is left out for an account that has no value in this column. Unset: it depends on none. */
  readonly onlyWith?: keyof User
}

/** Standard claims of OpenID Connect Core 1.0, section 5.1, and three of our own: `bio` and the two times. */
export const claimRules: ReadonlyArray<ClaimRule> = [
  { claim: "sub", sources: ["id"], type: "string", whenAbsent: "omitted" },
  { claim: "preferred_username", sources: ["username"], type: "string", whenAbsent: "omitted" },
  { claim: "name", sources: ["displayName", "username"], type: "string", whenAbsent: "null" },
  { claim: "email", sources: ["email"], type: "string", whenAbsent: "omitted" },
  { claim: "email_verified", sources: ["emailVerified"], type: "boolean", whenAbsent: "omitted" },
  { claim: "picture", sources: ["avatarUrl"], type: "string", whenAbsent: "null" },
  { claim: "given_name", sources: ["firstName"], type: "string", whenAbsent: "omitted" },
  { claim: "family_name", sources: ["lastName"], type: "string", whenAbsent: "omitted" },
  { claim: "bio", sources: ["bio"], type: "string", whenAbsent: "omitted" },
  { claim: "locale", sources: ["location"], type: "string", whenAbsent: "omitted" },
  { claim: "phone_number", sources: ["phoneNumber"], type: "string", whenAbsent: "omitted" },
  {
    claim: "phone_number_verified",
    sources: ["phoneVerified"],
    type: "boolean",
    whenAbsent: "omitted",
    onlyWith: "phoneNumber",
  },
  { claim: "created_at", sources: ["createdAt"], type: "unixSeconds", whenAbsent: "omitted" },
  { claim: "updated_at", sources: ["updatedAt"], type: "unixSeconds", whenAbsent: "omitted" },
]

/** The claims of a user, as the JSON that Zitadel's action reads. */
export const claimsOf = (user: User): Readonly<Record<string, ClaimValue>> => {
  const claims: Record<string, ClaimValue> = {}
  for (const { claim, sources, whenAbsent, onlyWith } of claimRules) {
    if (onlyWith !== undefined && user[onlyWith] === null) continue
    const source = sources.find((column) => user[column] !== null)
    if (source !== undefined) claims[claim] = plain(user[source])
    else if (whenAbsent === "null") claims[claim] = null
  }
  return claims
}

const plain = (value: User[keyof User]): ClaimValue =>
  DateTime.isDateTime(value) ? Math.floor(DateTime.toEpochMillis(value) / 1000) : value
