/** Times as messages have them. */
import { type Timestamp, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"

export const toTimestamp = (time: DateTime.DateTime): Timestamp => timestampFromMs(DateTime.toEpochMillis(time))

/** As `toTimestamp`; unset for none. */
export const toOptionalTimestamp = (time: DateTime.DateTime | null): Timestamp | undefined =>
  time === null ? undefined : toTimestamp(time)

/** In milliseconds, which is as fine as our clocks are; none for a time that no calendar has. */
export const fromTimestamp = (time: Timestamp): Option.Option<DateTime.Utc> =>
  Option.map(DateTime.make(timestampMs(time)), DateTime.toUtc)
