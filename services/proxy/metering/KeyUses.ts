/** When keys were last used, by key: the latest time of each is kept until the control plane has it. */

export interface KeyUse {
  readonly keyId: string
  /** Epoch milliseconds. */
  readonly at: number
}

export interface KeyUses {
  /** Notes a use; an earlier one than the noted is ignored, and so is a new key where there is no more room. */
  readonly note: (keyId: string, at: number) => void
  /** Takes out up to `count` keys. */
  readonly take: (count: number) => ReadonlyArray<KeyUse>
}

export const makeKeyUses = (capacity: number): KeyUses => {
  const latest = new Map<string, number>()
  return {
    note: (keyId, at) => {
      const noted = latest.get(keyId)
      if (noted === undefined ? latest.size < capacity : noted < at) latest.set(keyId, at)
    },
    take: (count) => {
      const uses: Array<KeyUse> = []
      for (const [keyId, at] of latest) {
        if (uses.length === count) break
        latest.delete(keyId)
        uses.push({ keyId, at })
      }
      return uses
    },
  }
}
