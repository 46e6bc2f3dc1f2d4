/** `npm run zitadel`: against the Zitadel that the environment names. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import { isCliError } from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { commands } from "./commands.ts"
import { Misused } from "./Settings.ts"

const program = Command.runWith(commands, { version: "1" })(process.argv.slice(2)).pipe(
  Effect.provide(NodeServices.layer),
)

/** What was called wrongly has been told, with the help that it needs. */
const exitCode = (cause: Cause.Cause<unknown>): number => {
  const [failure] = cause.reasons.filter(Cause.isFailReason)
  if (failure !== undefined && isCliError(failure.error)) return 2
  const message = failure?.error instanceof Error ? failure.error.message : Cause.pretty(cause)
  process.stderr.write(`✗ ${message}\n`)
  return failure?.error instanceof Misused ? 2 : 1
}

Effect.runPromiseExit(program).then((exit) => process.exit(exit._tag === "Success" ? 0 : exitCode(exit.cause)))
