/**
 * Threads that hash passwords and do nothing else. Node's own pool is not used: signatures, names and files would wait
 * behind the hashes there, and the pool would wait for the event loop after each one.
 */
import { Worker } from "node:worker_threads"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { HashingJob, HashingOutcome } from "./hashingThread.ts"

type Work = Omit<HashingJob, "id">

export interface HashingThreads {
  /** Resolves with the PHC string, or with whether the password fits `phc`; rejects where argon2 does not take them. */
  readonly run: (work: Work) => Promise<string | boolean>
}

interface Asked {
  readonly resolve: (value: string | boolean) => void
  readonly reject: (reason: Error) => void
}

interface Thread {
  readonly ask: (work: Work) => Promise<string | boolean>
  readonly waiting: () => number
  readonly stop: () => Promise<unknown>
}

/**
 * So many threads, for as long as the scope lives; they keep no process alive. Each starts with its first password, so that
 * a process that nobody signs in to stays small.
 */
export const make = (count: number): Effect.Effect<HashingThreads, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => Array.from({ length: count }, () => thread())),
      (threads) => Effect.promise(() => Promise.all(threads.map(({ stop }) => stop()))),
    ),
    (threads) => ({
      run: (work) => threads.reduce((idle, each) => (each.waiting() < idle.waiting() ? each : idle)).ask(work),
    }),
  )

const thread = (): Thread => {
  const asked = new Map<number, Asked>()
  let worker: Worker | undefined
  let count = 0

  const gone = (ended: Worker, reason: Error) => {
    if (worker !== ended) return
    worker = undefined
    for (const { reject } of asked.values()) reject(reason)
    asked.clear()
  }

  /** One that died, of memory perhaps, is replaced when the next password comes. */
  const running = (): Worker => {
    if (worker !== undefined) return worker
    const started = new Worker(new URL("./hashingThread.ts", import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4 },
    })
    started.on("message", (outcome: HashingOutcome) => {
      const waiting = asked.get(outcome.id)
      asked.delete(outcome.id)
      if ("error" in outcome) waiting?.reject(new Error(outcome.error))
      else waiting?.resolve(outcome.value)
      if (asked.size === 0) started.unref()
    })
    started.on("error", () => gone(started, new Error("the hashing thread has failed")))
    started.on("exit", () => gone(started, new Error("the hashing thread has ended")))
    worker = started
    return started
  }

  return {
    ask: (work) =>
      new Promise((resolve, reject) => {
        const id = count++
        asked.set(id, { resolve, reject })
        const thread = running()
        thread.ref()
        thread.postMessage({ ...work, id } satisfies HashingJob)
      }),
    waiting: () => asked.size,
    stop: async () => worker?.terminate(),
  }
}
