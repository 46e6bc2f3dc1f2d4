/** The end of a log file, and the line in it that says what went wrong. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

const tailBytes = 16_384

const JsonLine = Schema.fromJsonString(
  Schema.Struct({
    level: Schema.String,
    message: Schema.optionalKey(Schema.String),
    cause: Schema.optionalKey(Schema.String),
  }),
)
const decodeLine = Schema.decodeUnknownOption(JsonLine)

/** The last 16 KiB of the file, from `offset` on at the earliest; empty where there is no file. */
export const tail = (file: string, offset = 0): Effect.Effect<string> =>
  Effect.try(() => {
    const descriptor = openSync(file, "r")
    const size = fstatSync(descriptor).size
    const start = Math.max(offset, size - tailBytes)
    const bytes = Buffer.alloc(Math.max(0, size - start))
    readSync(descriptor, bytes, 0, bytes.length, start)
    closeSync(descriptor)
    return bytes.toString("utf8")
  }).pipe(Effect.orElseSucceed(() => ""))

/**
 * The one line to show to somebody who asks why: of JSON lines the last with level error or fatal, else the last line
 * that names an error, else the last line. At most 500 characters; undefined where the log is empty.
 */
export const tellingLine = (log: string): string | undefined => {
  const lines = log
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
  const told =
    lines.map(errorOfJsonLine).findLast((line) => line !== undefined) ??
    lines.findLast((line) => /cannot start:|\b(FATAL|PANIC|ERROR|Error|ERR)\b|\[FTL\]|\[ERR\]/.test(line)) ??
    lines.at(-1)
  return told?.slice(0, 500)
}

const errorOfJsonLine = (line: string): string | undefined => {
  const entry = line.startsWith("{") ? Option.getOrUndefined(decodeLine(line)) : undefined
  if (entry === undefined || !/^(error|fatal)$/i.test(entry.level)) return undefined
  return [entry.message, entry.cause?.split("\n")[0]].filter((part) => part !== undefined && part !== "").join(": ")
}
