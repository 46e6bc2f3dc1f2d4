/** What Zitadel writes into the tokens of a user: one table from accounts to claims. */
import * as DateTime from "effect/DateTime"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { User } from "../users/User.ts"

export type ClaimValue = string | number | boolean | null

/** Claims by their names. */
export type ClaimSet = Readonly<Record<string, ClaimValue>>

/** Claims that were kept as JSON; none where the text is none. */
export const parseClaims: (text: string) => Option.Option<ClaimSet> = Schema.decodeUnknownOption(
  Schema.fromJsonString(
    Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite, Schema.Boolean, Schema.Null])),
  ),
)

/** The database, or a cache that follows it; the last answer known to be good; or what Zitadel itself knows. */
export type ClaimsOrigin = "live" | "cache" | "fallback"

/** The columns of `users` that claims are made of. */
export const claimColumns = [
  "id",
  "username",
  "email",
  "emailVerified",
  "displayName",
  "avatarUrl",
  "firstName",
  "lastName",
  "bio",
  "location",
  "phoneNumber",
  "phoneVerified",
  "createdAt",
  "updatedAt",
] as const satisfies ReadonlyArray<keyof User>

/** An account, as far as claims need it. */
export type Claimant = Pick<User, (typeof claimColumns)[number]>

/** What becomes of a claim without a value. */
type WhenAbsent = "omitted" | "null"

export interface ClaimRule {
  /** The name in the answer of the claims route. */
  readonly claim: string
  /** The columns of `users` that it comes from; a later one stands in for an earlier one without a value. */
  readonly sources: ReadonlyArray<keyof Claimant>
  readonly type: "string" | "boolean" | "unixSeconds"
  readonly whenAbsent: WhenAbsent
  /** The claim is left out for an account that has no value in this column. Unset: it depends on none. */
  readonly onlyWith?: keyof Claimant
  /** The name in a token. Unset: Zitadel says it itself, and no action may. What has no name here is not let in. */
  readonly tokenClaim?: string
  /**
   * Where Zitadel's own user has it, when Nova is away: dotted paths in the snake case of actions version 2 (version 1
   * has the same in camel case); a later one stands in for an earlier one without a value. Unset: nowhere.
   */
  readonly fallbacks?: ReadonlyArray<string>
}

/** Our own claims are in our own name, so that no specification takes it from us. */
const namespace = "https://nova.app/claims"

/** Says where the claims of a token came from: `live`, `cache` or `fallback`. */
export const sourceClaim = `${namespace}/source`

/**
 * No text in a token is longer, in UTF-16 units: twice what the contract lets anybody say of themselves. Tokens travel in
 * headers, so one that is too long is a login that fails.
 */
export const longestText = 4096

/** Standard claims of OpenID Connect Core 1.0, section 5.1, and three of our own: `bio` and the two times. */
export const claimRules: ReadonlyArray<ClaimRule> = [
  { claim: "sub", sources: ["id"], type: "string", whenAbsent: "omitted" },
  {
    claim: "preferred_username",
    sources: ["username"],
    type: "string",
    whenAbsent: "omitted",
    tokenClaim: "preferred_username",
    fallbacks: ["username"],
  },
  {
    claim: "name",
    sources: ["displayName", "username"],
    type: "string",
    whenAbsent: "null",
    tokenClaim: "name",
    fallbacks: ["human.display_name", "machine.name", "username"],
  },
  {
    claim: "email",
    sources: ["email"],
    type: "string",
    whenAbsent: "omitted",
    tokenClaim: "email",
    fallbacks: ["human.email"],
  },
  {
    claim: "email_verified",
    sources: ["emailVerified"],
    type: "boolean",
    whenAbsent: "omitted",
    tokenClaim: "email_verified",
    fallbacks: ["human.is_email_verified"],
  },
  { claim: "picture", sources: ["avatarUrl"], type: "string", whenAbsent: "null", tokenClaim: "picture" },
  { claim: "given_name", sources: ["firstName"], type: "string", whenAbsent: "omitted", tokenClaim: "given_name" },
  { claim: "family_name", sources: ["lastName"], type: "string", whenAbsent: "omitted", tokenClaim: "family_name" },
  { claim: "bio", sources: ["bio"], type: "string", whenAbsent: "omitted", tokenClaim: `${namespace}/bio` },
  { claim: "locale", sources: ["location"], type: "string", whenAbsent: "omitted", tokenClaim: "locale" },
  {
    claim: "phone_number",
    sources: ["phoneNumber"],
    type: "string",
    whenAbsent: "omitted",
    tokenClaim: "phone_number",
  },
  {
    claim: "phone_number_verified",
    sources: ["phoneVerified"],
    type: "boolean",
    whenAbsent: "omitted",
    onlyWith: "phoneNumber",
    tokenClaim: "phone_number_verified",
  },
  {
    claim: "created_at",
    sources: ["createdAt"],
    type: "unixSeconds",
    whenAbsent: "omitted",
    tokenClaim: `${namespace}/created_at`,
  },
  {
    claim: "updated_at",
    sources: ["updatedAt"],
    type: "unixSeconds",
    whenAbsent: "omitted",
    tokenClaim: `${namespace}/updated_at`,
  },
]

/** The claims of a user, as the JSON that Zitadel's action reads. */
export const claimsOf = (user: Claimant): ClaimSet => {
  const claims: Record<string, ClaimValue> = {}
  for (const { claim, sources, whenAbsent, onlyWith } of claimRules) {
    if (onlyWith !== undefined && user[onlyWith] === null) continue
    const source = sources.find((column) => user[column] !== null)
    if (source !== undefined) claims[claim] = plain(user[source])
    else if (whenAbsent === "null") claims[claim] = null
  }
  return claims
}

const plain = (value: Claimant[keyof Claimant]): ClaimValue =>
  DateTime.isDateTime(value) ? Math.floor(DateTime.toEpochMillis(value) / 1000) : value
