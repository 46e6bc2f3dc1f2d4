import * as Duration from "effect/Duration"

const pauses = [1, 5, 15, 60, 300, 900].map(Duration.seconds)
const longest = Duration.minutes(15)

/** How long a mail waits after so many attempts that failed: longer and longer, up to a quarter of an hour. */
export const backoff = (attempts: number): Duration.Duration => pauses[Math.max(attempts, 1) - 1] ?? longest
