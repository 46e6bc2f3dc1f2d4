/** What a discovery document says of our tokens (OpenID Connect Discovery 1.0, section 3), as far as it is true. */

export interface OpenIdConfiguration {
  readonly issuer: string
  /** Absent: the issuer is a name, not a place, and an empty text would be taken for one. */
  readonly jwksUri?: string
  readonly responseTypesSupported: Array<string>
  readonly subjectTypesSupported: Array<string>
  readonly idTokenSigningAlgValuesSupported: Array<string>
  readonly claimsSupported: Array<string>
}

/** Nothing is given out by OAuth flows. An issuer that is a URL has its keys below itself, at the path of the standard. */
export const openIdConfiguration = (issuer: string): OpenIdConfiguration => ({
  issuer,
  ...(/^https?:\/\//.test(issuer) ? { jwksUri: `${issuer.replace(/\/$/, "")}/.well-known/jwks.json` } : {}),
  responseTypesSupported: [],
  subjectTypesSupported: ["public"],
  idTokenSigningAlgValuesSupported: ["EdDSA"],
  claimsSupported: ["iss", "sub", "aud", "iat", "nbf", "exp", "jti", "sid"],
})
