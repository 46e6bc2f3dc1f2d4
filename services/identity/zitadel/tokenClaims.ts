/** Claims as a token has them: by the names that the table allows, and no other. */
import { type ClaimSet, type ClaimsOrigin, claimRules, sourceClaim } from "./claims.ts"

export interface TokenClaim {
  readonly key: string
  readonly value: string | number | boolean
}

/** What Zitadel is to write into a token, the last of which says where it came from. A claim without a value is left out. */
export const tokenClaims = (claims: ClaimSet, origin: ClaimsOrigin): ReadonlyArray<TokenClaim> => [
  ...claimRules.flatMap(({ claim, tokenClaim }) => {
    const value = claims[claim]
    return tokenClaim === undefined || value === undefined || value === null ? [] : [{ key: tokenClaim, value }]
  }),
  { key: sourceClaim, value: origin },
]

/** What Zitadel's own user says of the claims: few, but better than none. */
export const claimsOfZitadelUser = (user: unknown): ClaimSet => {
  const claims: Record<string, string | boolean> = {}
  for (const { claim, type, fallbacks = [] } of claimRules) {
    for (const path of fallbacks) {
      const value = at(user, path.split("."))
      if (claims[claim] !== undefined || value === "") continue
      if ((type === "string" && typeof value === "string") || (type === "boolean" && typeof value === "boolean")) {
        claims[claim] = value
      }
    }
  }
  return claims
}

/** What is at a path of members; undefined where there is nothing. */
const at = (value: unknown, [name, ...rest]: ReadonlyArray<string>): unknown => {
  if (name === undefined) return value
  const known = typeof value === "object" && value !== null && Object.hasOwn(value, name)
  return known ? at(Reflect.get(value, name), rest) : undefined
}
