/**
 * Keeps a server within what it can do in time: so many calls run at once, a bounded number waits for a bounded time, and
 * the rest is refused at once, which costs next to nothing. Overload then costs the excess its answer, and nobody else
 * the time.
 */
import { ResourceExhausted } from "./PublicError.ts"

export interface AdmissionLimits {
  /** How many calls run at the same time. */
  readonly running: number
  /** How many more may wait for their turn. */
  readonly waiting: number
  /** After so long a wait a call is refused: its caller has given up or will. Milliseconds. */
  readonly waitMs: number
}

/** A call's place: what to do when its turn comes, and when it does not. */
interface Waiting {
  readonly start: () => void
  readonly refuse: (error: ResourceExhausted) => void
  readonly since: number
  gone: boolean
}

export interface AdmissionGate {
  /** Whether a call that came now would be refused. */
  readonly isFull: () => boolean
  /**
   * Calls `start` now or when it is the call's turn, or `refuse`; exactly one of them, unless the returned function was
   * called while the call waited: then neither.
   */
  readonly enter: (start: () => void, refuse: (error: ResourceExhausted) => void) => (() => void) | undefined
  /** A call that was started has ended. */
  readonly leave: () => void
  readonly state: () => { readonly running: number; readonly waiting: number; readonly refused: number }
}

/** The queue is an array with a moving head; what lies behind the head is dropped now and then. */
const compactAt = 1000

/** When to come again: long enough for the queue to have moved. */
const retryAfterMs = 1000

export const overloaded = new ResourceExhausted({
  reason: "OVERLOADED",
  message: "the server has more work than it can do in time",
  retryAfterMs,
})

export const makeAdmissionGate = (limits: AdmissionLimits, now: () => number): AdmissionGate => {
  const queue: Array<Waiting> = []
  let head = 0
  let running = 0
  let waiting = 0
  let refused = 0

  const refuse = (place: Pick<Waiting, "refuse">): void => {
    refused += 1
    place.refuse(overloaded)
  }

  /** The next that still wants its turn; those that waited too long are refused on the way. */
  const next = (): Waiting | undefined => {
    while (head < queue.length) {
      const place = queue[head]
      head += 1
      if (head > compactAt) {
        queue.splice(0, head)
        head = 0
      }
      if (place === undefined || place.gone) continue
      waiting -= 1
      if (now() - place.since <= limits.waitMs) return place
      refuse(place)
    }
    queue.length = 0
    head = 0
    return undefined
  }

  return {
    isFull: () => running >= limits.running && waiting >= limits.waiting,
    enter: (start, refuseCall) => {
      if (running < limits.running) {
        running += 1
        start()
        return undefined
      }
      if (waiting >= limits.waiting) {
        refuse({ refuse: refuseCall })
        return undefined
      }
      const place: Waiting = { start, refuse: refuseCall, since: now(), gone: false }
      queue.push(place)
      waiting += 1
      return () => {
        if (place.gone) return
        place.gone = true
        waiting -= 1
      }
    },
    leave: () => {
      running -= 1
      if (running >= limits.running) return
      const place = next()
      if (place === undefined) return
      running += 1
      place.start()
    },
    state: () => ({ running, waiting, refused }),
  }
}
