/** One request that the proxy passed on for a valid key: what usage is counted by. */
export interface ServedRequest {
  readonly requestId: string
  readonly applicationId: string
  readonly workspaceId: string
  readonly keyId: string
  readonly method: string
  /** The path with its variables by name, as the instance said; empty where it did not. */
  readonly route: string
  /** The HTTP status of the answer; 499 where the customer hung up first. */
  readonly status: number
  readonly durationMs: number
  /** Bytes of body. */
  readonly bytesSent: number
  /** Bytes of body. */
  readonly bytesReceived: number
  /** The end user whom it counts as active this month; empty where there is none. */
  readonly activeUser: string
  /** When it was answered; decides the month. Epoch milliseconds. */
  readonly at: number
}

/** The month of a time, "YYYY-MM" in UTC, by which active users are counted. */
export const monthOf = (at: number): string => new Date(at).toISOString().slice(0, 7)
