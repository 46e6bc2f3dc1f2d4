/** Failures as text for people: what went wrong, and for defects where. Fields of errors are not shown, they may be secret. */
import * as Cause from "effect/Cause"

/** A cause as text: each failure in one line, each defect with its stack. */
export const renderCause = (cause: Cause.Cause<unknown>): string =>
  cause.reasons
    .map((reason) => {
      if (Cause.isFailReason(reason)) return describeError(reason.error)
      return Cause.isDieReason(reason) ? stackOf(reason.defect) : "interrupted"
    })
    .join("\n")

/** An error in one line: its name, its message, and those of what caused it, each once. */
export const describeError = (error: unknown): string => {
  if (!(error instanceof Error)) return Cause.pretty(Cause.fail(error))
  const messages = new Set(chain(error).map(({ message }) => message))
  messages.delete("")
  return [error.name, ...messages].join(": ")
}

/** The error and what caused it; five are enough for anybody. */
const chain = (error: Error): ReadonlyArray<Error> => {
  const errors = [error]
  for (let next = error.cause; next instanceof Error && errors.length < 5; next = next.cause) errors.push(next)
  return errors
}

const stackOf = (defect: unknown): string =>
  defect instanceof Error
    ? chain(defect)
        .map((error) => error.stack ?? error.message)
        .join("\ncaused by ")
    : Cause.pretty(Cause.die(defect))
