/** Chance that can be repeated: the same seed and number of a case give the same case on every machine. */

export interface Random {
  /** An integer from 0 up to but not including `limit`. */
  readonly int: (limit: number) => number
  /** True once in `n` times on average. */
  readonly oneIn: (n: number) => boolean
  readonly pick: <A>(list: readonly [A, ...ReadonlyArray<A>]) => A
  readonly bytes: (length: number) => Buffer
}

/** The chance of case `index` of a run. Mulberry32 (Tommy Ettinger, public domain), keyed by seed and index. */
export const randomOf = (seed: number, index: number): Random => {
  let state = (Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b)) >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const int = (limit: number): number => next() % limit
  return {
    int,
    oneIn: (n) => int(n) === 0,
    pick: (list) => list[int(list.length)] ?? list[0],
    bytes: (length) => Buffer.from(Uint8Array.from({ length }, () => int(256))),
  }
}
