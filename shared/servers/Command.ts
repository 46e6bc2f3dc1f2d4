/** Runs a program to its end. */
import { spawn } from "node:child_process"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** The program could not be run, took too long, or ended with another code than 0; `output` is the end of what it said. */
export class CommandFailed extends Schema.TaggedError<CommandFailed>()("CommandFailed", {
  command: Schema.String,
  outcome: Schema.String,
  output: Schema.String,
}) {
  override get message(): string {
    return `${this.command} ${this.outcome}${this.output === "" ? "" : `: ${this.output}`}`
  }
}

/** An unprivileged user, by number. */
export interface User {
  readonly uid: number
  readonly gid: number
}

export interface Command {
  readonly command: string
  readonly args: ReadonlyArray<string>
  /** All of it: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly user?: User | undefined
  /** Open files that the program finds as descriptors 3 and up. */
  readonly descriptors?: ReadonlyArray<number>
  readonly within?: Duration.Input
}

const keptOutput = 4_000

/** What the program wrote, standard output and error together; fails unless it ends with code 0 in time (60 s). */
export const run = (options: Command): Effect.Effect<string, CommandFailed> => {
  const failed = (outcome: string, output: string) =>
    new CommandFailed({ command: options.command, outcome, output: output.trim().slice(-keptOutput) })
  const within = Duration.fromInputUnsafe(options.within ?? "60 seconds")
  return Effect.callback<string, CommandFailed>((resume) => {
    let output = ""
    const child = spawn(options.command, options.args, {
      cwd: options.cwd,
      env: { ...options.env },
      ...options.user,
      stdio: ["ignore", "pipe", "pipe", ...(options.descriptors ?? [])],
    })
    const take = (chunk: Buffer) => {
      output += chunk.toString("utf8")
    }
    child.stdout?.on("data", take)
    child.stderr?.on("data", take)
    child.once("error", (error) => resume(Effect.fail(failed(`could not be run (${error.message})`, ""))))
    child.once("close", (code, signal) =>
      resume(
        code === 0 ? Effect.succeed(output) : Effect.fail(failed(`ended with ${signal ?? `code ${code}`}`, output)),
      ),
    )
    return Effect.sync(() => child.kill("SIGKILL"))
  }).pipe(
    Effect.timeoutOrElse({
      duration: within,
      orElse: () => Effect.fail(failed(`did not end within ${Duration.format(within)}`, "")),
    }),
  )
}
