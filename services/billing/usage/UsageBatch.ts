/** What a process of the proxy served in a short while, and what it adds to the counters. */
import * as Array from "effect/Array"
import * as Duration from "effect/Duration"
import { latencyCounts } from "./Latency.ts"
import { periodOf, type UsagePeriod } from "./UsagePeriod.ts"

/** The same id is the same batch, however often it comes. */
export interface UsageBatch {
  readonly id: string
  readonly requests: ReadonlyArray<ServedRequest>
}

/** One request with a valid key. Times in milliseconds. */
export interface ServedRequest {
  readonly applicationId: string
  /** Who pays for it. */
  readonly workspaceId: string
  /** The HTTP status; 499 where the customer hung up first. */
  readonly status: number
  readonly durationMs: bigint
  readonly bytesSent: bigint
  readonly bytesReceived: bigint
  /** Since 1970. Decides the month. */
  readonly occurredAt: number
  /** SHA-256, in hexadecimal, of the end user whom it counts for the month; undefined where it counts nobody. */
  readonly activeUser: string | undefined
}

/** What requests have in common to be counted together, as numbers. */
export interface RequestCounts {
  readonly requests: number
  /** Statuses from 500. */
  readonly serverErrors: number
  /** Statuses from 400 to 499. */
  readonly clientErrors: number
  readonly bytesSent: bigint
  readonly bytesReceived: bigint
  readonly durationMs: bigint
}

export interface MonthTally extends RequestCounts {
  readonly workspaceId: string
  readonly period: UsagePeriod
  readonly applicationId: string
}

export interface MinuteTally extends RequestCounts {
  readonly applicationId: string
  /** When the minute begins. Milliseconds since 1970. */
  readonly minute: number
  /** By `latencyClassOf`. */
  readonly latencyCounts: ReadonlyArray<number>
}

export interface ActiveUser {
  readonly applicationId: string
  readonly period: UsagePeriod
  /** SHA-256 of the user's id, in hexadecimal. */
  readonly userHash: string
}

/** What a batch adds: no two entries of a list speak of the same thing. */
export interface UsageTally {
  readonly batchId: string
  readonly months: ReadonlyArray<MonthTally>
  readonly minutes: ReadonlyArray<MinuteTally>
  readonly activeUsers: ReadonlyArray<ActiveUser>
}

/**
 * Requests are counted up to this age: three times as long as the queue keeps a batch. The id of a batch is remembered
 * for longer than its requests are counted, or a late repeat would count again.
 */
export const countedFor = Duration.days(90)
/** How far a proxy's clock may be ahead of ours. */
const clockTolerance = Duration.hours(1)
/** How long the id of a counted batch must be remembered. */
export const rememberedFor = Duration.sum(countedFor, Duration.days(10))

/** Whether all requests of a batch happened at a time that is counted now. Milliseconds since 1970. */
export const isCountable = (batch: UsageBatch, now: number): boolean => {
  const oldest = now - Duration.toMillis(countedFor)
  const newest = now + Duration.toMillis(clockTolerance)
  return batch.requests.every(({ occurredAt }) => occurredAt >= oldest && occurredAt <= newest)
}

/** When the newest request of a batch happened. Milliseconds since 1970. */
export const newestOf = (batch: UsageBatch): number =>
  batch.requests.reduce((newest, { occurredAt }) => Math.max(newest, occurredAt), 0)

/** Adds up a batch. Its requests may be of many applications and of several months. */
export const tally = (batch: UsageBatch): UsageTally => ({
  batchId: batch.id,
  months: together(batch.requests, ({ workspaceId, applicationId, occurredAt }) => ({
    workspaceId,
    period: periodOf(occurredAt),
    applicationId,
  })).map(([what, requests]) => ({ ...what, ...counted(requests) })),
  minutes: together(batch.requests, ({ applicationId, occurredAt }) => ({
    applicationId,
    minute: startOfMinute(occurredAt),
  })).map(([what, requests]) => ({
    ...what,
    ...counted(requests),
    latencyCounts: latencyCounts(requests.map(({ durationMs }) => durationMs)),
  })),
  activeUsers: together(
    batch.requests.flatMap(({ applicationId, occurredAt, activeUser }) =>
      activeUser === undefined ? [] : [{ applicationId, period: periodOf(occurredAt), userHash: activeUser }],
    ),
    (user) => user,
  ).map(([user]) => user),
})

const minuteMillis = 60_000
const startOfMinute = (instant: number): number => Math.floor(instant / minuteMillis) * minuteMillis

/** Groups by what `key` says of an item, and says it of each group. */
const together = <A, K extends object>(
  items: ReadonlyArray<A>,
  key: (item: A) => K,
): ReadonlyArray<readonly [K, Array.NonEmptyArray<A>]> =>
  Object.values(Array.groupBy(items, (item) => JSON.stringify(Object.values(key(item))))).map((group) => [
    key(group[0]),
    group,
  ])

const counted = (requests: ReadonlyArray<ServedRequest>): RequestCounts => ({
  requests: requests.length,
  serverErrors: requests.filter(({ status }) => status >= 500).length,
  clientErrors: requests.filter(({ status }) => status >= 400 && status < 500).length,
  bytesSent: sum(requests.map(({ bytesSent }) => bytesSent)),
  bytesReceived: sum(requests.map(({ bytesReceived }) => bytesReceived)),
  durationMs: sum(requests.map(({ durationMs }) => durationMs)),
})

const sum = (numbers: ReadonlyArray<bigint>): bigint => numbers.reduce((total, number) => total + number, 0n)
