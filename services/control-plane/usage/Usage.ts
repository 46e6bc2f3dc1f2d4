/** What was used against what a plan includes. Whole numbers; gigabytes only for people to read. */

/** One GB is 1024³ bytes. */
const gigabyte = 1024n ** 3n

/** Bytes in GB. */
export const gigabytes = (bytes: bigint): number => Number(bytes) / Number(gigabyte)

/** How much is above what is included; nothing, where that is in a contract (undefined). */
export const overageOf = (used: bigint, included: number | undefined): bigint => {
  if (included === undefined) return 0n
  const above = used - BigInt(included)
  return above > 0n ? above : 0n
}

/** How many bytes are above the included GB. */
export const overageBytesOf = (bytes: bigint, includedGb: number | undefined): bigint =>
  includedGb === undefined ? 0n : overageOf(bytes, includedGb * Number(gigabyte))
