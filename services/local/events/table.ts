/** What the commands show, as text for people. */
import { durationMs, type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt"
import type { DeadLetter } from "#gen/authsome/mesh/v1/dead_letter_pb.ts"
import type { GetEventBacklogResponse } from "#gen/authsome/mesh/v1/event_backlog_pb.ts"

type Row = ReadonlyArray<string>

/** Columns as wide as their widest cell, the heads in capitals. */
const table = (heads: Row, rows: ReadonlyArray<Row>): string => {
  const all = [heads.map((head) => head.toUpperCase()), ...rows]
  const widths = heads.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n")
}

const time = (timestamp: Timestamp | undefined): string =>
  timestamp === undefined ? "" : timestampDate(timestamp).toISOString().replace("T", " ").slice(0, 19)

const firstLine = (text: string, most: number): string => {
  const [line = ""] = text.split("\n")
  return line.length > most || line !== text ? `${line.slice(0, most)}…` : line
}

const age = (duration: Parameters<typeof durationMs>[0] | undefined): string => {
  const seconds = duration === undefined ? 0 : durationMs(duration) / 1000
  if (seconds === 0) return "-"
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`
}

export interface OfProgram<A> {
  readonly program: string
  readonly answer: A
}

export const letterTable = (found: ReadonlyArray<OfProgram<ReadonlyArray<DeadLetter>>>): string => {
  const rows = found.flatMap(({ program, answer }) =>
    answer.map(({ consumer, messageId, subject, deliveries, failedAt, reason }) => [
      ...[program, consumer, messageId, subject, String(deliveries), time(failedAt), firstLine(reason, 60)],
    ]),
  )
  if (rows.length === 0) return "There are no dead letters."
  return table(["service", "consumer", "message", "subject", "tries", "given up (UTC)", "reason"], rows)
}

/** One letter, whole. */
export const letterText = (program: string, letter: DeadLetter): string => {
  const message =
    letter.json ?? `${Buffer.from(letter.payload).toString("base64")} (base64: its consumer cannot read it)`
  const facts: ReadonlyArray<readonly [string, string]> = [
    ["service", program],
    ["consumer", letter.consumer],
    ["message", letter.messageId],
    ["subject", letter.subject],
    ["tries", String(letter.deliveries)],
    ["given up", `${time(letter.failedAt)} UTC`],
    ["request", letter.requestId ?? "-"],
    ["size", `${letter.sizeBytes} bytes`],
  ]
  return [
    ...facts.map(([name, value]) => `${name.padEnd(9)} ${value}`),
    "",
    letter.reason,
    "",
    letter.json === undefined ? message : JSON.stringify(JSON.parse(message), undefined, 2),
  ].join("\n")
}

export const lagTable = (found: ReadonlyArray<OfProgram<GetEventBacklogResponse>>): string => {
  const rows = found.flatMap(({ program, answer: { outbox, consumers, deadLetters } }) => {
    const dead = new Map(deadLetters.map(({ consumer, count }) => [consumer, count]))
    const running = consumers.map(({ consumer, subject, lag }) => {
      const count = String(dead.get(consumer) ?? 0)
      dead.delete(consumer)
      return lag === undefined
        ? [program, consumer, subject, "?", "?", "?", "?", count]
        : [
            ...[program, consumer, subject, String(lag.pending), String(lag.inFlight), String(lag.redelivered)],
            ...[age(lag.oldest), count],
          ]
    })
    const gone = [...dead].map(([consumer, count]) => [program, consumer, "-", "-", "-", "-", "-", String(count)])
    const waits = String(outbox?.waiting ?? 0)
    return [[program, "(outbox)", "-", waits, "-", "-", age(outbox?.oldest), "-"], ...running, ...gone]
  })
  return table(["service", "consumer", "subject", "waiting", "in work", "retried", "oldest", "dead"], rows)
}
