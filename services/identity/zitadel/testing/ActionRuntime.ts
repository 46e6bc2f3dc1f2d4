/**
 * Zitadel 2.62 as actions of version 1 see it: each runs in a thread of its own, one after the other, until it returns,
 * fails, or its time is over; then the token is put together.
 */
import { MessageChannel, Worker } from "node:worker_threads"
import * as Effect from "effect/Effect"
import type { Action } from "../pack/Pack.ts"
import type { Fetched, Report, RunData } from "./actionWorker.ts"

export interface TokenRequest {
  readonly actions: ReadonlyArray<Action>
  /** What `getUser()` gives. */
  readonly user: Readonly<Record<string, unknown>>
  /** Texts, as they are noted of the user. */
  readonly metadata?: Readonly<Record<string, string>>
  /** What Zitadel itself says of the user in this token. */
  readonly own: Readonly<Record<string, unknown>>
  /** Host names that may not be asked, literally (`Actions.HTTP.DenyList`). */
  readonly denied?: ReadonlyArray<string>
}

export interface Issued {
  /** Undefined: no token, the login fails. */
  readonly token: Readonly<Record<string, unknown>> | undefined
  /** Of actions that may fail, and did: why. */
  readonly failures: ReadonlyArray<string>
  readonly logs: ReadonlyArray<string>
}

interface Claims {
  readonly set: Map<string, unknown>
  /** Lines that the token carries, by the claim of the action that they come from. */
  readonly logs: Map<string, ReadonlyArray<string>>
  unencodable: boolean
}

/** Runs the actions of a trigger and issues the token. */
export const issue = (request: TokenRequest): Effect.Effect<Issued> =>
  Effect.promise(async () => {
    const claims: Claims = { set: new Map(), logs: new Map(), unencodable: false }
    const failures: Array<string> = []
    const logs: Array<string> = []
    for (const action of request.actions) {
      const failure = await runOne(request, action, claims, logs)
      if (failure === undefined) continue
      failures.push(failure)
      if (!action.allowedToFail) return { token: undefined, failures, logs }
    }
    // What Zitadel has a value for is written over what actions have set.
    const token = { ...Object.fromEntries([...claims.set, ...claims.logs]), ...request.own }
    return { token: claims.unencodable ? undefined : token, failures, logs }
  })

/** The longest that Zitadel gives an action, also where it is told none, or more. */
const maxTimeoutMs = 20_000

/** One action; why it failed, or undefined. */
const runOne = (
  request: TokenRequest,
  action: Action,
  claims: Claims,
  logs: Array<string>,
): Promise<string | undefined> => {
  const wantedMs = Number.parseFloat(action.timeout) * 1000
  const timeoutMs = wantedMs > 0 && wantedMs <= maxTimeoutMs ? wantedMs : maxTimeoutMs
  const { port1: answers, port2 } = new MessageChannel()
  const answered = new Int32Array(new SharedArrayBuffer(8))
  const data: RunData = {
    ...{ name: action.name, script: action.script, timeoutMs, user: request.user, metadata: request.metadata ?? {} },
    ...{ claims: { ...Object.fromEntries(claims.set), ...request.own }, answers, answered },
  }
  const worker = new Worker(new URL("actionWorker.ts", import.meta.url), { workerData: data, transferList: [answers] })
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const deadline = new AbortController()
  let timer: NodeJS.Timeout | undefined
  worker.once("error", (error) => resolve(String(error)))
  worker.on("message", (report: Report) => {
    switch (report._tag) {
      case "Started":
        // What a thread needs to start is our time, not the action's.
        timer = setTimeout(() => {
          deadline.abort()
          resolve("context deadline exceeded")
        }, timeoutMs)
        return
      case "Claim":
        return keep(claims, action.name, report)
      case "LogClaim":
        return note(claims, action.name, report.line)
      case "Log":
        return logs.push(report.line)
      case "Panic":
      case "Failed":
        return resolve(report.message)
      case "Done":
        return resolve(undefined)
      case "Fetch":
        if (request.denied?.includes(new URL(report.url).hostname)) return resolve("host is denied")
        return fetched(report, deadline.signal).then(
          (answer) => {
            port2.postMessage(answer)
            Atomics.store(answered, 0, 1)
            Atomics.notify(answered, 0)
          },
          (error: unknown) => resolve(`transport: ${String(error)}`),
        )
    }
  })
  return promise.finally(async () => {
    clearTimeout(timer)
    deadline.abort()
    port2.close()
    await worker.terminate()
  })
}

/** The rules of setClaim: Zitadel's namespace is its own, and the first who sets something wins. */
const keep = (claims: Claims, by: string, { key, value, encodable }: Extract<Report, { _tag: "Claim" }>) => {
  if (key.startsWith("urn:zitadel:iam")) return
  const before = claims.set.get(key)
  if (before !== undefined && before !== null) return note(claims, by, `key "${key}" already exists`)
  if (!encodable) claims.unencodable = true
  claims.set.set(key, value)
}

const note = ({ logs }: Claims, by: string, line: string) => {
  const claim = `urn:zitadel:iam:action:${by}:log`
  logs.set(claim, [...(logs.get(claim) ?? []), line])
}

const fetched = async (
  { url, method, headers, body }: Extract<Report, { _tag: "Fetch" }>,
  signal: AbortSignal,
): Promise<Fetched> => {
  const response = await fetch(url, {
    method,
    signal,
    headers: headers.map(([name, value]) => [name, value]),
    ...(body !== undefined && { body }),
  })
  return { status: response.status, body: await response.text() }
}
