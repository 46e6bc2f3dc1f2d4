/** Comparing contestants fairly: all in one run, round by round in turn, so that what else the machine does meets them all. */
import { type ChildProcess, fork } from "node:child_process"
import { join } from "node:path"

/** What one round measured, by column. */
export type Measures<Column extends string> = Readonly<Record<Column, number>>

export interface Contestant<Column extends string> {
  readonly name: string
  readonly round: () => Promise<Measures<Column>>
}

export interface Comparison<Column extends string> {
  readonly bench: string
  readonly unit: string
  readonly rounds: number
  /** Rounds before the first that counts: just-in-time compilers need some thousand calls. Unset: 3. */
  readonly warmUpRounds?: number
  /** Starts all contestants anew after so many rounds: how fast a process is, is in part the luck of its start. */
  readonly renewal?: { readonly afterRounds: number; readonly renew: () => Promise<void> }
  readonly columns: ReadonlyArray<Column>
  /** The column that counts: lower is better. */
  readonly by: Column
  /** The contestant that all others are compared with. */
  readonly ours: string
  /** Ratios beside those of `ours` to everybody else: of one contestant to another, under a name of its own. */
  readonly further?: Readonly<Record<string, { readonly of: string; readonly to: string }>>
  readonly contestants: ReadonlyArray<Contestant<Column>>
}

/**
 * Runs the comparison and prints the table of medians and the RESULT line. A ratio is the median of the rounds' ratios:
 * a round that the machine made slow was slow for both.
 */
export const compare = async <Column extends string>(comparison: Comparison<Column>): Promise<void> => {
  const { bench, unit, rounds, warmUpRounds = 3, renewal, columns, by, ours, further = {}, contestants } = comparison
  const measured = new Map<string, Array<Measures<Column>>>(contestants.map(({ name }) => [name, []]))
  const runRound = async (record: (name: string, measures: Measures<Column>) => void) => {
    for (const { name, round } of shuffled(contestants)) record(name, await round())
  }
  for (let round = 0; round < rounds; round++) {
    if (round % (renewal?.afterRounds ?? rounds) === 0) {
      progress("warming up")
      await renewal?.renew()
      for (let warmUp = 0; warmUp < warmUpRounds; warmUp++) await runRound(() => {})
    }
    await runRound((name, measures) => measured.get(name)?.push(measures))
    progress(`round ${round + 1} of ${rounds}`)
  }
  progress("")
  const medians = new Map(
    [...measured].map(([name, all]) => [name, (column: Column) => median(all.map((each) => each[column]))]),
  )
  const ratio = (of: string, to: string): number => {
    const others = measured.get(to) ?? []
    return median((measured.get(of) ?? []).map((each, round) => each[by] / (others[round]?.[by] ?? Number.NaN)))
  }
  const rows = [...medians].map(([name, of]) => [
    name,
    ...columns.map((column) => of(column).toFixed(1)),
    ratio(ours, name).toFixed(2),
  ])
  print([["", ...columns, "ours / this"], ...rows])
  const ratios = Object.fromEntries([
    ...[...medians.keys()].filter((name) => name !== ours).map((name) => [name, rounded(ratio(ours, name), 3)]),
    ...Object.entries(further).map(([name, { of, to }]) => [name, rounded(ratio(of, to), 3)]),
  ])
  const medianOf = Object.fromEntries(
    [...medians].map(([name, of]) => [
      name,
      Object.fromEntries(columns.map((column) => [column, rounded(of(column), 1)])),
    ]),
  )
  const own = medians.get(ours)?.(by) ?? Number.NaN
  const result = { bench, unit, ours: rounded(own, 1), ratios, rounds, medians: medianOf }
  process.stdout.write(`RESULT ${JSON.stringify(result)}\n`)
}

/** In another order each time: nobody is always the one who runs after the slowest. */
const shuffled = <A>(values: ReadonlyArray<A>): ReadonlyArray<A> =>
  values
    .map((value) => ({ value, at: Math.random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ value }) => value)

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low = 0, high = 0] = sorted.length % 2 === 0 ? sorted.slice(middle - 1) : sorted.slice(middle, middle + 1)
  return sorted.length % 2 === 0 ? (low + high) / 2 : low
}

export const rounded = (value: number, digits: number): number => Number(value.toFixed(digits))

const progress = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
}

/** Prints a table: the first column to the left, the others to the right. */
export const print = (rows: ReadonlyArray<ReadonlyArray<string>>): void => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  for (const row of rows) {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart((widths[column] ?? 0) + 2),
    )
    process.stdout.write(`${cells.join("")}\n`)
  }
}

/** A program of a bench in a process of its own, which can be asked for its CPU time. */
export interface Program {
  readonly pid: number
  /** What it said when it was ready; a program of the product says nothing. */
  readonly ready: unknown
  /** User and system time since it started. Microseconds. */
  readonly cpu: () => Promise<number>
  /** Sends it a message and waits for what it answers. */
  readonly ask: (message: unknown) => Promise<unknown>
  readonly stop: () => Promise<void>
}

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly args?: ReadonlyArray<string>
  /** Set for a program that does not say itself when it is ready: how to find out. */
  readonly isReady?: () => Promise<boolean>
}

const root = join(import.meta.dirname, "..", "..")

/** Starts a module below the root of the project as a process of its own. */
export const start = async (module: string, options: ProgramOptions = {}): Promise<Program> => {
  const child = fork(join(root, module), [...(options.args ?? [])], {
    execArgv: ["--import", join(import.meta.dirname, "answerCpu.ts")],
    env: { ...options.env },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  })
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()))
  const ready = await (options.isReady === undefined ? answerOf(child, "ready") : until(child, options.isReady)).catch(
    (error: unknown) => {
      child.kill("SIGKILL")
      throw error
    },
  )
  return {
    pid: child.pid ?? 0,
    ready,
    cpu: async () => {
      child.send({ type: "cpu" })
      return Number(await answerOf(child, "cpu"))
    },
    ask: (message) => {
      child.send({ type: "ask", message })
      return answerOf(child, "answer")
    },
    stop: async () => {
      child.kill("SIGTERM")
      const late = setTimeout(() => child.kill("SIGKILL"), 10_000)
      await ended
      clearTimeout(late)
    },
  }
}

interface Message {
  readonly type: string
  readonly value?: unknown
}

const isMessage = (message: unknown): message is Message =>
  typeof message === "object" && message !== null && "type" in message && typeof message.type === "string"

/** The value of the next message of this type; fails when the process ends instead. */
const answerOf = (child: ChildProcess, type: string): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const listen = (message: unknown) => {
      if (!isMessage(message) || message.type !== type) return
      child.off("message", listen)
      child.off("exit", gone)
      resolve(message.value)
    }
    const gone = (code: number | null) => reject(new Error(`${child.spawnargs.at(-1)} ended with code ${code}`))
    child.on("message", listen)
    child.once("exit", gone)
  })

const until = async (child: ChildProcess, isReady: () => Promise<boolean>): Promise<void> => {
  for (let left = 600; left > 0; left--) {
    if (child.exitCode !== null) throw new Error(`${child.spawnargs.at(-1)} ended with code ${child.exitCode}`)
    if (await isReady().catch(() => false)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${child.spawnargs.at(-1)} did not become ready`)
}

/** The port that a program said it listens on. */
export const portOf = ({ ready }: Program): number =>
  typeof ready === "object" && ready !== null && "port" in ready ? Number(ready.port) : 0
