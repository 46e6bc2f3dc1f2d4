/** Nothing is changed unless somebody has seen the plan and said yes. */
import * as Console from "effect/Console"
import * as Flag from "effect/cli/Flag"
import * as Prompt from "effect/cli/Prompt"
import * as Effect from "effect/Effect"
import * as Stdio from "effect/Stdio"
import { Misused } from "#shared/runtime/commandLine.ts"
import { NotDone } from "./Settings.ts"

export const consentFlags = {
  yes: Flag.Boolean("yes").pipe(Flag.withDescription("Do not ask"), Flag.withDefault(false)),
  dryRun: Flag.Boolean("dry-run").pipe(
    Flag.withDescription("Only show what would be changed"),
    Flag.withDefault(false),
  ),
}

/** Whether to go on; where nobody can be asked, only with --yes. */
export const consent = Effect.fnUntraced(function* (given: { readonly yes: boolean; readonly dryRun: boolean }) {
  if (given.dryRun) {
    yield* Console.log("Nothing was changed (--dry-run).")
    return false
  }
  if (given.yes) return true
  const stdio = yield* Stdio.Stdio
  if (!(yield* stdio.stdinIsTerminal)) {
    return yield* new Misused({ message: "nobody can be asked here: add --yes to make these changes" })
  }
  const agreed = yield* Prompt.run(Prompt.Confirm({ message: "Make these changes?" })).pipe(
    Effect.catchTag("QuitError", () => Effect.succeed(false)),
  )
  return agreed || (yield* new NotDone({ message: "nothing was changed" }))
})
