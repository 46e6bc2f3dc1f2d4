import type { ConfigError } from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as SchemaIssue from "effect/SchemaIssue"

/** The path of the variable that an issue speaks of: the first pointer on the way down. */
const pathOf = (issue: SchemaIssue.Issue): ReadonlyArray<PropertyKey> => (issue._tag === "Pointer" ? issue.path : [])

const expectation = /^Expected (.*?)(?:\n {2}at .*)?$/s

/**
 * What is wrong with the configuration, as the end of a sentence: `DATABASE_URL is missing`, or
 * `HTTP_PORT is malformed: expected a value between 1 and 65535`. Never shows the value.
 */
export const configSentence = (error: ConfigError): Effect.Effect<string> => {
  if (error.cause._tag === "SourceError") return Effect.succeed(error.cause.message)
  const { issue, message } = error.cause
  const path = pathOf(issue).map((segment) => (typeof segment === "number" ? segment : String(segment)))
  const name = path.length === 0 ? "the configuration" : path.join("_")
  return Effect.gen(function* () {
    const provider = yield* ConfigProvider.ConfigProvider
    const found = path.length === 0 ? Option.some(undefined) : yield* Effect.option(provider.load(path))
    const missing = Option.isSome(found) && path.length > 0 && found.value === undefined
    return missing
      ? `${name} is missing`
      : `${name} is malformed: expected ${expectation.exec(message)?.[1] ?? "another form"}`
  })
}
