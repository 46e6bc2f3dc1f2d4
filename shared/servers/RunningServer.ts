import type * as Redacted from "effect/Redacted"
import type { ServerProcess } from "./ServerProcess.ts"

/** How a server of our own is to be started. */
export interface ServerOptions {
  /** The folder for what it keeps. */
  readonly dir: string
  readonly port: number
  /** Whether what it acknowledged survives the end of the process; else it is fast. */
  readonly durable: boolean
  /** The folder for programs and templates that all runs on this machine share. */
  readonly tools: string
  /** The file that gets what it says. */
  readonly log: string
  /** The file that remembers the process while it runs. */
  readonly record: string
}

/** A server that is ready. */
export interface RunningServer {
  /** How sentences call it. */
  readonly server: string
  readonly version: string
  /** May hold a password. */
  readonly url: Redacted.Redacted<string>
  readonly process: ServerProcess
}
