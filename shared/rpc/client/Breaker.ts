/**
 * Whether an endpoint deserves calls. It is closed while they succeed; failures in a row, a bad share of them, or a
 * connection that cannot be made open it for a time that grows each time; then one call may probe it. Synchronous and
 * without a timer: it costs a call two field reads.
 */
export interface BreakerSettings {
  /** So many failures in a row open it. */
  readonly failures: number
  /** So does this share of failed calls, 0 to 1, once `minimum` calls were made within `windowMs`. */
  readonly share: number
  readonly minimum: number
  readonly windowMs: number
  /** How long it opens for the first time, and at most; twice as long each time in between. Milliseconds. */
  readonly firstMs: number
  readonly longestMs: number
}

export const breakerSettings: BreakerSettings = {
  failures: 5,
  share: 0.5,
  minimum: 20,
  windowMs: 10_000,
  firstMs: 250,
  longestMs: 30_000,
}

export class Breaker {
  #state: "closed" | "open" | "probing" = "closed"
  #inARow = 0
  #calls = 0
  #failed = 0
  #since = 0
  #openings = 0
  #until = 0
  readonly #settings: BreakerSettings
  readonly #random: () => number
  readonly #opened: () => void

  /** `opened` is called each time that it opens; `random` is 0 to 1. */
  constructor(settings: BreakerSettings, random: () => number, opened: () => void) {
    this.#settings = settings
    this.#random = random
    this.#opened = opened
  }

  get isClosed(): boolean {
    return this.#state === "closed"
  }

  /** Whether a call may go to the endpoint now; when it does, say so with `began`. */
  admits(now: number): boolean {
    return this.#state === "closed" || (this.#state === "open" && now >= this.#until)
  }

  /** A call went to the endpoint: where the breaker was open, this one is its probe. */
  began(now: number): void {
    if (this.#state === "open" && now >= this.#until) this.#state = "probing"
  }

  succeeded(): void {
    this.#calls += 1
    this.#inARow = 0
    // A call that was sent although it was open, for want of another endpoint, proves as much as a probe.
    if (this.#state !== "closed") this.#state = "closed"
  }

  failed(now: number): void {
    if (now - this.#since > this.#settings.windowMs) {
      this.#since = now
      this.#calls = 0
      this.#failed = 0
    }
    this.#calls += 1
    this.#failed += 1
    this.#inARow += 1
    const { failures, minimum, share } = this.#settings
    const isBad = this.#calls >= minimum && this.#failed / this.#calls >= share
    if (this.#state === "probing" || (this.#state === "closed" && (this.#inARow >= failures || isBad))) this.#open(now)
  }

  /** The endpoint cannot even be connected to: no more evidence is needed. */
  unreachable(now: number): void {
    if (this.#state !== "open" || now >= this.#until) this.#open(now)
  }

  /** A call ended without saying anything about the endpoint. */
  abandoned(): void {
    if (this.#state === "probing") this.#state = "open"
  }

  #open(now: number): void {
    const { firstMs, longestMs } = this.#settings
    // Long well since the last time: what happens now is a new story.
    if (now - this.#until > longestMs) this.#openings = 0
    const millis = Math.min(longestMs, firstMs * 2 ** this.#openings)
    this.#openings = Math.min(this.#openings + 1, 20)
    this.#state = "open"
    this.#until = now + Math.round(millis * (0.8 + 0.4 * this.#random()))
    this.#inARow = 0
    this.#calls = 0
    this.#failed = 0
    this.#opened()
  }
}
