/**
 * How long requests took, as numbers of requests in classes whose bounds grow by the square root of two: a percentile
 * read from them is off by less than a fifth, and the counts of two minutes can be added. The classes are what the
 * stored counts mean: changing them needs new counts.
 */

/** The last class but one ends here: 65.5 seconds. */
const highestExponent = 16

/** How many classes there are; the last one has no upper bound. */
export const latencyClasses = 2 * highestExponent + 2

/** The longest duration, in milliseconds, of each class but the last. */
export const latencyBounds: ReadonlyArray<number> = Array.from({ length: latencyClasses - 1 }, (_, at) => 2 ** (at / 2))

/** The class of a duration in whole milliseconds. */
export const latencyClassOf = (millis: bigint): number =>
  millis <= 1n ? 0 : Math.min(latencyClasses - 1, Math.ceil(2 * Math.log2(Number(millis))))

/** How many of the durations are in each class. */
export const latencyCounts = (durations: ReadonlyArray<bigint>): ReadonlyArray<number> => {
  const counts = new Array<number>(latencyClasses).fill(0)
  for (const millis of durations) {
    const at = latencyClassOf(millis)
    counts[at] = (counts[at] ?? 0) + 1
  }
  return counts
}
