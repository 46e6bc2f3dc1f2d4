/**
 * One run of one action: its script in a context that has no more than goja has, and the modules that Zitadel gives it.
 * What a script cannot catch is not thrown here: the thread reports it and stands still until it is ended from outside.
 */
import { isDate, isMap, isSet } from "node:util/types"
import { createContext, runInContext } from "node:vm"
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads"

/** What the run is given. */
export interface RunData {
  readonly name: string
  readonly script: string
  readonly timeoutMs: number
  readonly user: Readonly<Record<string, unknown>>
  /** By key; values are texts that may be JSON. */
  readonly metadata: Readonly<Record<string, string>>
  /** What the token says so far. */
  readonly claims: Readonly<Record<string, unknown>>
  /** Where answers come from. */
  readonly answers: MessagePort
  /** Set to 1 when an answer is there. */
  readonly answered: Int32Array
}

/** What the run tells, as it happens: what it has told when it is ended has happened. */
export type Report =
  /** The script runs from now on. */
  | { readonly _tag: "Started" }
  | { readonly _tag: "Claim"; readonly key: string; readonly value: unknown; readonly encodable: boolean }
  | { readonly _tag: "Log"; readonly line: string }
  /** A line for the token's log claim. */
  | { readonly _tag: "LogClaim"; readonly line: string }
  | {
      readonly _tag: "Fetch"
      readonly url: string
      readonly method: string
      readonly headers: Headers
      readonly body?: string
    }
  /** The run is over, whatever the script does to catch it. */
  | { readonly _tag: "Panic"; readonly message: string }
  | { readonly _tag: "Failed"; readonly message: string }
  | { readonly _tag: "Done" }

type Headers = ReadonlyArray<readonly [string, string]>

export interface Fetched {
  readonly status: number
  readonly body: string
}

const data: RunData = workerData
const report = (message: Report) => parentPort?.postMessage(message)

const panic = (message: string): never => {
  report({ _tag: "Panic", message })
  for (;;) Atomics.wait(data.answered, 1, 0)
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Signature and rules of zitadel/http: synchronous, few options, headers that replace the defaults. */
const fetch = (...given: ReadonlyArray<unknown>) => {
  const [url, options = {}] = given
  if (given.length === 0 || given.length > 2 || typeof url !== "string") return panic("fetch: wrong arguments")
  const unknown = Object.keys(Object(options)).find((key) => !["method", "headers", "body"].includes(key))
  if (unknown !== undefined) return panic(`key "${unknown}" is invalid`)
  const { method = "GET", headers, body } = Object(options)
  const sent = headers ?? { "Content-Type": "application/json", Accept: "application/json" }
  report({
    ...{ _tag: "Fetch", url, method: String(method) },
    headers: Object.entries(sent).flatMap(([name, value]) =>
      (Array.isArray(value) ? value : typeof value === "string" ? value.split(",") : []).map(
        (each) => [name, String(each)] as const,
      ),
    ),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  Atomics.wait(data.answered, 0, 0)
  Atomics.store(data.answered, 0, 0)
  const fetched: Fetched = receiveMessageOnPort(data.answers)?.message
  return {
    status: fetched.status,
    body: fetched.body,
    // There, but never filled.
    headers: {},
    text: () => fetched.body,
    json: () => {
      try {
        return JSON.parse(fetched.body)
      } catch {
        return panic("json: the body is not JSON")
      }
    },
  }
}

const log = (format: unknown, ...values: ReadonlyArray<unknown>) => {
  const rest = [...values]
  report({ _tag: "Log", line: String(format).replaceAll("%s", () => String(rest.shift())) })
}

/** Not here: what `zitadel/uuid` can do, and files of Zitadel's container by their paths. No action of ours needs them. */
const modules: Readonly<Record<string, object>> = {
  "zitadel/http": { fetch },
  "zitadel/log": { log, info: log, debug: log, warn: log, error: log },
  "zitadel/uuid": {},
  // Linked in with those, though no global.
  console: {},
  util: {},
}

/** What Go makes of a value before it writes it as JSON. */
const exported = (value: unknown): unknown => {
  if (isDate(value)) return value.toISOString()
  if (isSet(value) || isMap(value)) return [...value].map(exported)
  if (Array.isArray(value)) return value.map(exported)
  if (typeof value !== "object" || value === null) return value ?? null
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, exported(each)]))
}

/** Go's JSON knows no functions, and no numbers that are none. */
const isEncodable = (value: unknown): boolean => {
  if (typeof value === "number") return Number.isFinite(value)
  return typeof value === "object" && value !== null
    ? Object.values(value).every(isEncodable)
    : typeof value !== "function"
}

const setClaim = (key: unknown, given: unknown): void => {
  const value = exported(given)
  const encodable = isEncodable(value)
  report({ _tag: "Claim", key: String(key), value: encodable ? value : null, encodable })
}

const claims = { setClaim, appendLogIntoClaims: (line: unknown) => report({ _tag: "LogClaim", line: String(line) }) }

const metadata = Object.entries(data.metadata).map(([key, value]) => ({ key, value: parsed(value) }))

const ctx = {
  v1: {
    claims: data.claims,
    getUser: () => data.user,
    user: { getMetadata: () => ({ count: metadata.length, sequence: 0, metadata }), grants: null },
    org: { getMetadata: () => ({ count: 0, metadata: [] }) },
  },
}

const api = { v1: { claims, userinfo: claims, user: { setMetadata: () => {} } } }

/** Globals that this engine has and goja has not. */
const lacking = [
  ...["console", "Intl", "BigInt", "BigInt64Array", "BigUint64Array", "WeakRef", "FinalizationRegistry"],
  ...["WebAssembly", "SharedArrayBuffer", "Atomics"],
]

const run = (): Report => {
  const context = createContext({
    require: (name: string) => {
      const found = modules[name]
      if (found === undefined) throw new Error("Invalid module")
      return found
    },
  })
  for (const name of lacking) runInContext(`delete globalThis.${name}`, context)
  report({ _tag: "Started" })
  try {
    runInContext(data.script, context, { timeout: Math.min(5000, data.timeoutMs) })
    const action: unknown = runInContext(`typeof ${data.name} === "function" ? ${data.name} : undefined`, context)
    if (typeof action !== "function") return { _tag: "Failed", message: "function not found" }
    const returned: unknown = action(ctx, api)
    return returned === undefined || returned === null
      ? { _tag: "Done" }
      : { _tag: "Failed", message: `could not convert ${String(returned)} to error` }
  } catch (error) {
    return { _tag: "Failed", message: String(error) }
  }
}

report(run())
