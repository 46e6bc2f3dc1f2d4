import { spawn } from "node:child_process"

/** How a program ended, and what it said. */
export interface Ended {
  readonly code: number | null
  readonly output: string
  readonly errors: string
}

export interface RunOptions {
  /** All of its environment; ours where unset. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  readonly signal?: AbortSignal
}

/** Runs a program of the project as a shell would, with nobody to ask, to its end; `signal` kills it. */
export const runProgram = (
  file: string,
  args: ReadonlyArray<string>,
  { env = process.env, cwd = process.cwd(), signal }: RunOptions = {},
): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file, ...args], {
      ...{ env, cwd },
      stdio: ["ignore", "pipe", "pipe"],
      killSignal: "SIGKILL",
      ...(signal !== undefined && { signal }),
    })
    let [output, errors] = ["", ""]
    child.stdout.on("data", (piece) => {
      output += piece
    })
    child.stderr.on("data", (piece) => {
      errors += piece
    })
    child.once("error", reject)
    child.once("close", (code) => resolve({ code, output, errors }))
  })
