/**
 * How many retries a client may add to its calls of one target: one for every five, so that retries never multiply the
 * load of a service that is down (Google SRE book, "Handling overload": a budget per client).
 */
export interface RetryBudget {
  /** A first attempt was made. */
  readonly earn: () => void
  /** Takes one retry out of the budget; false where it is used up. */
  readonly spend: () => boolean
}

const perCall = 0.2
/** What a quiet client may retry from the start. */
const reserve = 10
/** The most that a busy client saves up for the moment in which an endpoint dies with calls on it. */
const most = 100

export const makeRetryBudget = (): RetryBudget => {
  let tokens = reserve
  return {
    earn: () => {
      if (tokens < most) tokens += perCall
    },
    spend: () => {
      if (tokens < 1) return false
      tokens -= 1
      return true
    },
  }
}
