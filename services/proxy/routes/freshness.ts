/** How long a verdict may be acted upon. All times in epoch milliseconds, all spans in milliseconds. */

export interface Freshness {
  /** When the control plane gave the verdict. */
  readonly checkedAt: number
  /** Until then nobody need be asked. */
  readonly freshUntil: number
  /** Until then it is used at once, while somebody is asked (RFC 5861, stale-while-revalidate). */
  readonly usableUntil: number
  /** Until then it is used if nobody answers (RFC 5861, stale-if-error). */
  readonly deadAt: number
}

export interface Spans {
  readonly ttl: number
  readonly maxStaleness: number
}

/** The identity that goes with a route is renewed with it, well before it expires. */
const identityMargin = 60_000

/** How long a verdict goes on that could not be checked again, before the next attempt is waited for. */
const grace = 30_000

/** The freshness of a verdict that was given at `checkedAt`, with an identity that expires at `identityExpiresAt`. */
export const freshness = (checkedAt: number, identityExpiresAt: number, { ttl, maxStaleness }: Spans): Freshness => {
  const identityEnd = identityExpiresAt - identityMargin
  const deadAt = checkedAt + maxStaleness
  return {
    checkedAt,
    freshUntil: Math.min(checkedAt + ttl, identityEnd - identityMargin, deadAt),
    usableUntil: Math.min(checkedAt + 2 * ttl, identityEnd, deadAt),
    deadAt,
  }
}

/** The same verdict after nobody could confirm it at `now`: still not fresh, but used at once for a while longer. */
export const prolonged = (before: Freshness, now: number, identityExpiresAt: number): Freshness => ({
  ...before,
  usableUntil: Math.min(now + grace, identityExpiresAt - identityMargin, before.deadAt),
})
