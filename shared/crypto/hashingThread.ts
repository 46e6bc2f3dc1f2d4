/** The program of a thread that hashes passwords, one after the other, as `HashingThreads` asks. */
import { setPriority } from "node:os"
import { parentPort } from "node:worker_threads"
import { hashSync, type Options, verifySync } from "@node-rs/argon2"

/** Hash `password`, or verify it against `phc`. */
export interface HashingJob {
  readonly id: number
  readonly password: string
  readonly parameters: Options
  readonly phc?: string | undefined
}

export type HashingOutcome =
  | { readonly id: number; readonly value: string | boolean }
  | { readonly id: number; readonly error: string }

/** Somewhat behind the event loop: where both want the same core, answers come before hashes. */
const niceness = 5

const outcomeOf = ({ id, password, parameters, phc }: HashingJob): HashingOutcome => {
  try {
    return { id, value: phc === undefined ? hashSync(password, parameters) : verifySync(phc, password) }
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : "argon2 failed" }
  }
}

parentPort?.on("message", (job: HashingJob) => parentPort?.postMessage(outcomeOf(job)))
// On Linux 0 is the calling thread; elsewhere it would be the whole process.
if (process.platform === "linux") setPriority(0, niceness)
