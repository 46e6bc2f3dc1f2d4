/** What a workspace has used in a month. */
import type { UsagePeriod } from "./UsagePeriod.ts"

/** What is counted of one application, or of several together. */
export interface UsageFigures {
  readonly requests: bigint
  readonly bytesSent: bigint
  readonly bytesReceived: bigint
  /** Active end users, each counted once: the figure that is invoiced. */
  readonly mauExact: bigint
  /** Active end users as the live estimate shows them, which is some seconds ahead. */
  readonly mauCurrent: bigint
}

export interface ApplicationUsage extends UsageFigures {
  readonly applicationId: string
}

export interface WorkspaceUsage {
  readonly workspaceId: string
  readonly period: UsagePeriod
  /** Each application that used something, by id. */
  readonly applications: ReadonlyArray<ApplicationUsage>
  /** When the last batch was counted that is in the figures, whosever; undefined where none ever was. */
  readonly countedAt: Date | undefined
}

/** An application's figures with its live estimate, where there is one. */
export const withLive = (
  counted: Omit<ApplicationUsage, "mauCurrent">,
  live: number | undefined,
): ApplicationUsage => ({ ...counted, mauCurrent: currentUsers(counted.mauExact, live) })

/**
 * The estimate runs ahead, but who was counted was there: it shows fewer only by its error of about 2 %, or because it
 * was lost and has begun anew.
 */
const currentUsers = (exact: bigint, live: number | undefined): bigint => {
  const estimate = BigInt(live ?? 0)
  return estimate > exact ? estimate : exact
}

/** The figures of the whole workspace. Its applications share no end users, so everything adds up. */
export const totalOf = (applications: ReadonlyArray<ApplicationUsage>): UsageFigures => {
  const sum = (figure: keyof UsageFigures) => applications.reduce((total, each) => total + each[figure], 0n)
  return {
    requests: sum("requests"),
    bytesSent: sum("bytesSent"),
    bytesReceived: sum("bytesReceived"),
    mauExact: sum("mauExact"),
    mauCurrent: sum("mauCurrent"),
  }
}
