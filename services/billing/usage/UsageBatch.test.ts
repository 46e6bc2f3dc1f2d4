import { expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import { countedFor, isCountable, rememberedFor, type ServedRequest, tally } from "./UsageBatch.ts"

const newYear = Date.UTC(2027, 0, 1)

const request = (fields: Partial<ServedRequest> = {}): ServedRequest => ({
  applicationId: "app_a",
  workspaceId: "ws_1",
  status: 200,
  durationMs: 5n,
  bytesSent: 100n,
  bytesReceived: 10n,
  occurredAt: newYear,
  activeUser: undefined,
  ...fields,
})

it("a batch across the end of a month counts in both", () => {
  const { months, minutes, activeUsers } = tally({
    id: "b",
    requests: [
      request({ occurredAt: newYear - 1, activeUser: "aa" }),
      request({ occurredAt: newYear, activeUser: "aa" }),
      request({ occurredAt: newYear + 59_999, activeUser: "aa" }),
    ],
  })
  expect(months.map(({ period, requests }) => [period, requests])).toEqual([
    ["2026-12", 1],
    ["2027-01", 2],
  ])
  expect(minutes.map(({ minute, requests }) => [minute - newYear, requests])).toEqual([
    [-60_000, 1],
    [0, 2],
  ])
  expect(activeUsers.map(({ period, userHash }) => [period, userHash])).toEqual([
    ["2026-12", "aa"],
    ["2027-01", "aa"],
  ])
})

it("errors are told apart by whose they are, and every byte and millisecond is added", () => {
  const statuses = [200, 302, 400, 429, 499, 500, 503]
  const { months, minutes } = tally({ id: "b", requests: statuses.map((status) => request({ status })) })
  const counts = {
    requests: 7,
    clientErrors: 3,
    serverErrors: 2,
    bytesSent: 700n,
    bytesReceived: 70n,
    durationMs: 35n,
  }
  expect(months).toEqual([{ workspaceId: "ws_1", applicationId: "app_a", period: "2027-01", ...counts }])
  expect(minutes).toMatchObject([{ applicationId: "app_a", ...counts }])
})

it("ids that read the same when put together are kept apart", () => {
  const { months } = tally({
    id: "b",
    requests: [
      request({ workspaceId: "ws_1", applicationId: '","app' }),
      request({ workspaceId: 'ws_1","', applicationId: "app" }),
    ],
  })
  expect(months.map(({ requests }) => requests)).toEqual([1, 1])
})

it("what is too old to be known as a repeat is not counted, nor what has not happened", () => {
  const at = (occurredAt: number) => isCountable({ id: "b", requests: [request(), request({ occurredAt })] }, newYear)
  const oldest = newYear - Duration.toMillis(countedFor)
  expect([at(oldest), at(oldest - 1), at(0)]).toEqual([true, false, false])
  expect([at(newYear + 60_000), at(newYear + 86_400_000), at(Number.MAX_SAFE_INTEGER)]).toEqual([true, false, false])
  expect(Duration.toDays(rememberedFor)).toBeGreaterThan(Duration.toDays(countedFor) + 1)
})
