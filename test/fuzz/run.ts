/**
 * The fuzz run: cases in batches, a look at the server between them, and at the end what it still holds. Everything
 * follows from the seed but the order in which answers come.
 */
import { type Case, describeCase, type Protocol } from "./Case.ts"
import { caseOf } from "./generate.ts"
import type { Finding } from "./judge.ts"
import { type Prober, startProber } from "./Prober.ts"
import type { Held } from "./server.ts"
import { shrink } from "./shrink.ts"

export interface FuzzOptions {
  readonly requests: number
  readonly seed: number
  readonly protocols: ReadonlyArray<Protocol>
  /** Told of progress, as a fraction. */
  readonly progress?: (done: number) => void
}

export interface Found extends Finding {
  /** The case that shows it, in its smallest form; undefined for what no single case shows. */
  readonly smallest: Case | undefined
  readonly protocol: Protocol | undefined
  readonly index: number | undefined
}

/** Answers by class of status, for one protocol. */
export interface Tally {
  sent: number
  ok: number
  refused: number
  closed: number
  unsent: number
}

export interface FuzzResult {
  readonly found: Found | undefined
  readonly tallies: ReadonlyMap<Protocol, Tally>
  readonly before: Held
  readonly after: Held
  readonly seconds: number
}

const concurrency = 16
const batchSize = 500

/** What a warm server may gain: caches and pages of the allocator, and nothing that grows with the requests. Bytes. */
const heapAllowance = { once: 6 * 2 ** 20, perRequest: 40 }
const rssAllowance = { once: 96 * 2 ** 20, perRequest: 200 }

interface Numbered {
  readonly protocol: Protocol
  readonly index: number
  readonly each: Case
}

/** Runs to the end or to the first finding. */
export const fuzz = async (options: FuzzOptions): Promise<FuzzResult> => {
  const startedAt = performance.now()
  const tallies = new Map<Protocol, Tally>(
    options.protocols.map((protocol) => [protocol, { sent: 0, ok: 0, refused: 0, closed: 0, unsent: 0 }]),
  )
  const prober = await startProber()
  try {
    const warm = Math.min(Math.max(batchSize, Math.ceil(options.requests / 10)), Math.ceil(options.requests / 2))
    let found = await range(prober, options, 0, warm, tallies)
    const before = found === undefined ? ((await prober.settle()) ?? nothingHeld) : nothingHeld
    found ??= await range(prober, options, warm, options.requests, tallies)
    const after = found === undefined ? ((await prober.settle()) ?? nothingHeld) : nothingHeld
    found ??= leftOver(before, after, options.requests - warm)
    return { found, tallies, before, after, seconds: (performance.now() - startedAt) / 1000 }
  } finally {
    await prober.stop()
  }
}

const nothingHeld: Held = { heap: 0, rss: 0, sockets: 0, timers: 0, defects: [] }

const range = async (
  prober: Prober,
  { seed, protocols, requests, progress }: FuzzOptions,
  from: number,
  to: number,
  tallies: ReadonlyMap<Protocol, Tally>,
): Promise<Found | undefined> => {
  for (let begin = from; begin < to; begin += batchSize) {
    const batch = Array.from({ length: Math.min(batchSize, to - begin) }, (_, offset) => {
      const index = begin + offset
      const protocol = protocols[index % protocols.length] ?? "rest"
      return { protocol, index, each: caseOf(seed, index, protocol) }
    })
    const suspects = await together(prober, batch, tallies)
    if (suspects !== undefined) return pinned(suspects)
    const unwell = await prober.check()
    if (unwell !== undefined) return pinned({ finding: unwell, cases: batch })
    progress?.((begin + batch.length) / requests)
  }
  return undefined
}

interface Suspects {
  readonly finding: Finding
  /** The case that did it is one of these, or several of them together. */
  readonly cases: ReadonlyArray<Numbered>
}

/** Runs the cases, some at a time; stops at the first finding. */
const together = async (
  prober: Prober,
  batch: ReadonlyArray<Numbered>,
  tallies: ReadonlyMap<Protocol, Tally>,
): Promise<Suspects | undefined> => {
  const queue = batch.values()
  const started: Array<Numbered> = []
  let suspects: Suspects | undefined
  const worker = async () => {
    for (const numbered of queue) {
      started.push(numbered)
      const { answer, finding } = await prober.run(numbered.each)
      if (finding !== undefined) suspects ??= { finding, cases: finding.kind === "crash" ? started : [numbered] }
      if (suspects !== undefined) return
      const tally = tallies.get(numbered.protocol)
      if (tally === undefined) continue
      tally.sent += 1
      if (answer.unsent === true) tally.unsent += 1
      else if (answer.status === 0) tally.closed += 1
      else if (answer.status < 300 && (answer.headers["grpc-status"] ?? "0") === "0") tally.ok += 1
      else tally.refused += 1
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  return suspects
}

/** The one case that shows the finding on a fresh server, made small; all that is known where none does alone. */
const pinned = async ({ finding, cases }: Suspects): Promise<Found> => {
  let prober = await startProber()
  try {
    const reproduces = async (each: Case): Promise<Finding | undefined> => {
      if (prober.death() !== undefined) {
        await prober.stop()
        prober = await startProber()
      }
      const { finding: shown } = await prober.run(each)
      const seen = shown ?? (await prober.check())
      return seen?.kind === finding.kind ? seen : undefined
    }
    for (const { each, index, protocol } of cases) {
      const shown = await reproduces(each)
      if (shown === undefined) continue
      const smallest = finding.kind === "hang" ? each : await shrink(each, reproduces)
      return { ...shown, smallest, protocol, index }
    }
    const [only] = cases
    return cases.length === 1 && only !== undefined
      ? { ...finding, smallest: only.each, protocol: only.protocol, index: only.index }
      : { ...finding, smallest: undefined, protocol: undefined, index: undefined }
  } finally {
    await prober.stop()
  }
}

/** What the server holds at the end and did not at the beginning. */
const leftOver = (before: Held, after: Held, requests: number): Found | undefined => {
  const whole = (finding: Finding): Found => ({
    ...finding,
    smallest: undefined,
    protocol: undefined,
    index: undefined,
  })
  if (after.sockets > before.sockets) {
    return whole({ kind: "leak", why: `${after.sockets} sockets are open at the end, ${before.sockets} before` })
  }
  if (after.timers > before.timers) {
    return whole({ kind: "leak", why: `${after.timers} timers run at the end, ${before.timers} before` })
  }
  const grown = (what: string, bytes: number, { once, perRequest }: typeof heapAllowance): Found | undefined =>
    bytes <= once + perRequest * requests
      ? undefined
      : whole({ kind: "memory", why: `${what} grew by ${(bytes / 2 ** 20).toFixed(1)} MiB in ${requests} requests` })
  return (
    grown("the heap", after.heap - before.heap, heapAllowance) ??
    grown("the process", after.rss - before.rss, rssAllowance)
  )
}

/** A finding as text, with all that it takes to see it again. */
export const describeFound = ({ kind, why, smallest, protocol, index }: Found, seed: number): string =>
  [
    `${kind}: ${why}`,
    ...(smallest === undefined
      ? [`no single case shows it; seed ${seed}`]
      : [`seed ${seed}, ${protocol} case ${index}`, `smallest reproduction: ${describeCase(smallest)}`]),
  ].join("\n")
