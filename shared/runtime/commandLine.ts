/** A command of the project's own, as a process: its arguments, and an exit code that tells how it ended. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import { isCliError } from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"

/** The command was called wrongly; says how. */
export class Misused extends Data.TaggedError("Misused")<{ readonly message: string }> {}

/** Runs `command` with the arguments of this process, and ends it: 0 done, 1 could not be done, 2 called wrongly. */
export const runCommand = <Name extends string, Input, Context, E>(
  command: Command.Command<Name, Input, Context, E, NodeServices.NodeServices>,
): void => {
  const program = Command.runWith(command, { version: "1" })(process.argv.slice(2)).pipe(
    Effect.provide(NodeServices.layer),
  )
  Effect.runPromiseExit(program).then((exit) => process.exit(exit._tag === "Success" ? 0 : exitCode(exit.cause)))
}

/** What was called wrongly has been told, with the help that it needs. */
const exitCode = (cause: Cause.Cause<unknown>): number => {
  const [failure] = cause.reasons.filter(Cause.isFailReason)
  if (failure !== undefined && isCliError(failure.error)) return 2
  const message = failure?.error instanceof Error ? failure.error.message : Cause.pretty(cause)
  process.stderr.write(`✗ ${message}\n`)
  return failure?.error instanceof Misused ? 2 : 1
}
