/** How an application's instance is to behave, as the customer says; what is not said has its default. */
import * as Schema from "effect/Schema"

/** Whether end users are one population, or grouped into the customer's own customers. */
export const ApplicationMode = Schema.Literals(["standalone", "saas"])
export type ApplicationMode = typeof ApplicationMode.Type

export const ApplicationConfig = Schema.Struct({
  mode: Schema.optionalKey(ApplicationMode),
  session: Schema.optionalKey(Schema.Struct({ timeout: Schema.optionalKey(Schema.String) })),
})
export type ApplicationConfig = typeof ApplicationConfig.Type

const seconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }
const maxTimeoutSeconds = 365 * 86_400

/** The longest that an end user stays signed in is out of bounds. */
export class SessionTimeoutRefused extends Schema.TaggedError<SessionTimeoutRefused>()("SessionTimeoutRefused", {}) {}

/** Whether a timeout such as "7d" is at most 365 days. */
export const isTimeout = (text: string): boolean => {
  const match = /^([1-9]\d{0,7})([smhd])$/.exec(text)
  const unit = seconds[match?.[2] ?? ""]
  return unit !== undefined && Number(match?.[1]) * unit <= maxTimeoutSeconds
}

/** Whether everything that the configuration says is within bounds. */
export const isAllowed = ({ session }: ApplicationConfig): boolean =>
  session?.timeout === undefined || isTimeout(session.timeout)
