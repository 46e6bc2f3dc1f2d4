/** A calendar month in UTC: what is counted together, and invoiced together. */
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** `YYYY-MM`, from 2000 to 2999. */
export const UsagePeriod = Schema.String.check(Schema.isPattern(/^2[0-9]{3}-(0[1-9]|1[0-2])$/)).pipe(
  Schema.brand("UsagePeriod"),
)
export type UsagePeriod = typeof UsagePeriod.Type

/** The month that a text names; none where it names no month that can be counted in. */
export const parsePeriod: (text: string) => Option.Option<UsagePeriod> = Schema.decodeOption(UsagePeriod)

/** The month of an instant. Milliseconds since 1970; throws outside of the years that a period can name. */
export const periodOf = (instant: number): UsagePeriod =>
  UsagePeriod.make(new Date(instant).toISOString().slice(0, "YYYY-MM".length))

/** The first instant that is not in the month any more. Milliseconds since 1970. */
export const endOf = (period: UsagePeriod): number => {
  const [year, month] = period.split("-").map(Number)
  // Months are counted from 0 here, so this is the month after.
  return Date.UTC(year ?? 0, month ?? 0)
}
