/**
 * A map that never holds more than `capacity` entries. What makes room is the oldest one that nobody has read since it
 * was last passed over ("second chance"): nearly as good as least recently used, and reading moves nothing.
 */
export interface BoundedMap<K, V> {
  readonly size: number
  readonly get: (key: K) => V | undefined
  readonly set: (key: K, value: V) => void
  readonly delete: (key: K) => boolean
  readonly clear: () => void
  readonly entries: () => Iterable<readonly [K, V]>
}

interface Slot<V> {
  value: V
  read: boolean
}

/** `onEvict` is told of every entry that had to make room, and of no other. */
export const makeBoundedMap = <K, V>(capacity: number, onEvict?: (key: K, value: V) => void): BoundedMap<K, V> => {
  const slots = new Map<K, Slot<V>>()

  const makeRoom = (): void => {
    for (const [key, slot] of slots) {
      slots.delete(key)
      if (!slot.read) return onEvict?.(key, slot.value)
      slot.read = false
      slots.set(key, slot)
    }
  }

  return {
    get size() {
      return slots.size
    },
    get: (key) => {
      const slot = slots.get(key)
      if (slot === undefined) return undefined
      slot.read = true
      return slot.value
    },
    set: (key, value) => {
      const slot = slots.get(key)
      if (slot !== undefined) {
        slot.value = value
        return
      }
      if (slots.size >= capacity) makeRoom()
      slots.set(key, { value, read: false })
    },
    delete: (key) => slots.delete(key),
    clear: () => slots.clear(),
    *entries() {
      for (const [key, { value }] of slots) yield [key, value]
    },
  }
}
