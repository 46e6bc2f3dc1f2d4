/** The time that a caller allows, as gRPC and Connect say it. */

const unitMillis: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000_001 }

/** Milliseconds of a `grpc-timeout` header ("250m"); undefined when absent; "malformed" otherwise. */
export const grpcTimeout = (header: string | undefined): number | undefined | "malformed" => {
  if (header === undefined) return undefined
  const match = /^(\d{1,8})([HMSmun])$/.exec(header)
  const unit = unitMillis[match?.[2] ?? ""]
  return match === null || unit === undefined ? "malformed" : Number(match[1]) * unit
}

/** Milliseconds of a `connect-timeout-ms` header; undefined when absent; "malformed" otherwise. */
export const connectTimeout = (header: string | undefined): number | undefined | "malformed" => {
  if (header === undefined) return undefined
  return /^\d{1,10}$/.test(header) ? Number(header) : "malformed"
}
