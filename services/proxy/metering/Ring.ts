/** A queue of bounded length in one array: adding and taking move nothing, and what does not fit is counted. */
export interface Ring<A> {
  readonly size: number
  /** How many did not fit. */
  readonly dropped: number
  /** False where the ring is full, and `item` is dropped: what waits already goes first. */
  readonly push: (item: A) => boolean
  /** Takes out up to `count` of the oldest, in order. */
  readonly take: (count: number) => ReadonlyArray<A>
}

export const makeRing = <A>(capacity: number): Ring<A> => {
  const slots: Array<A | undefined> = []
  let head = 0
  let size = 0
  let dropped = 0
  return {
    get size() {
      return size
    },
    get dropped() {
      return dropped
    },
    push: (item) => {
      if (size === capacity) {
        dropped += 1
        return false
      }
      slots[(head + size) % capacity] = item
      size += 1
      return true
    },
    take: (count) => {
      const items: Array<A> = []
      for (let left = Math.min(count, size); left > 0; left--) {
        const item = slots[head]
        slots[head] = undefined
        head = (head + 1) % capacity
        size -= 1
        if (item !== undefined) items.push(item)
      }
      return items
    },
  }
}
