/** Claims as a token has them: by the names that the table allows, and no other. */
import {
  type ClaimRule,
  type ClaimSet,
  type ClaimsOrigin,
  type ClaimValue,
  claimRules,
  longestText,
  sourceClaim,
} from "./claims.ts"

export interface TokenClaim {
  readonly key: string
  readonly value: string | number | boolean
}

/**
 * What Zitadel is to write into a token, the last of which says where it came from. A claim without a value, or with one
 * that is not of its type or too long for a token, is left out.
 */
export const tokenClaims = (claims: ClaimSet, origin: ClaimsOrigin): ReadonlyArray<TokenClaim> => [
  ...claimRules.flatMap(({ claim, type, tokenClaim }) => {
    const value = claims[claim]
    return tokenClaim === undefined || !hasType(value, type) ? [] : [{ key: tokenClaim, value }]
  }),
  { key: sourceClaim, value: origin },
]

/** What Zitadel's own user says of the claims: few, but better than none. */
export const claimsOfZitadelUser = (user: unknown): ClaimSet => {
  const claims: Record<string, ClaimValue> = {}
  for (const { claim, type, fallbacks = [] } of claimRules) {
    for (const path of fallbacks) {
      const value = at(user, path.split("."))
      if (claims[claim] === undefined && value !== "" && hasType(value, type)) claims[claim] = value
    }
  }
  return claims
}

const javaScriptTypes = { string: "string", boolean: "boolean", unixSeconds: "number" } as const

const hasType = (value: unknown, type: ClaimRule["type"]): value is TokenClaim["value"] =>
  typeof value === javaScriptTypes[type] && !(typeof value === "string" && value.length > longestText)

/** What is at a path of members; undefined where there is nothing. */
const at = (value: unknown, [name, ...rest]: ReadonlyArray<string>): unknown => {
  if (name === undefined) return value
  const known = typeof value === "object" && value !== null && Object.hasOwn(value, name)
  return known ? at(Reflect.get(value, name), rest) : undefined
}
