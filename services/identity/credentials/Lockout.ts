/** How long wrong guesses keep an account, and a client's address, from guessing on. */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

/** No password or code is taken for the account, or from the address, until the delay is over: right or wrong. */
export class AccountLocked extends Schema.TaggedError<AccountLocked>()("AccountLocked", {
  retryAfterMillis: Schema.Int,
}) {}

export interface LockoutPolicy {
  /** From so many wrong guesses in a row on, each further one locks for so long. The fewest first. */
  readonly steps: ReadonlyArray<readonly [failures: number, lock: Duration.Duration]>
  /** Guesses are in a row as long as one follows the other within this time. */
  readonly memory: Duration.Duration
}

/** For an account, or an identifier that nobody has: sixty guesses on the first day, and fifty on every further one. */
export const accountPolicy: LockoutPolicy = {
  steps: [
    [5, Duration.seconds(30)],
    [6, Duration.minutes(1)],
    [7, Duration.minutes(2)],
    [8, Duration.minutes(5)],
    [9, Duration.minutes(15)],
    [10, Duration.minutes(30)],
  ],
  memory: Duration.hours(24),
}

/** For an address, behind which many people may be: it slows who tries one password at a thousand accounts. */
export const addressPolicy: LockoutPolicy = {
  steps: [
    [20, Duration.seconds(30)],
    [30, Duration.minutes(2)],
    [50, Duration.minutes(10)],
    [100, Duration.minutes(30)],
  ],
  memory: Duration.hours(1),
}

/** What is known of the wrong guesses so far, in the time of the database. */
export interface Tally {
  readonly failures: number
  /** Null: there was none. */
  readonly millisSinceLast: number | null
  /** 0: not locked. */
  readonly lockedForMillis: number
}

/** What one more wrong guess makes of the tally. */
export const afterFailure = (
  { steps, memory }: LockoutPolicy,
  { failures, millisSinceLast }: Tally,
): Pick<Tally, "failures" | "lockedForMillis"> => {
  const inARow = millisSinceLast !== null && millisSinceLast < Duration.toMillis(memory)
  const now = inARow ? failures + 1 : 1
  const lock = steps.findLast(([from]) => now >= from)?.[1] ?? Duration.zero
  return { failures: now, lockedForMillis: Duration.toMillis(lock) }
}
