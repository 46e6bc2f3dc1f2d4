/** A call of the probe's outside face over HTTP, as a program makes it. */
import * as Effect from "effect/Effect"
import { Listening } from "#shared/rpc/Server.ts"

export interface CallOptions {
  /** JSON; text and bytes are sent as they are. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Sends a request, and reads the answer's JSON where it has any. */
export const call = Effect.fnUntraced(function* (method: string, path: string, options: CallOptions = {}) {
  const { httpPort } = yield* Listening
  const { body: given, headers } = options
  const isWritten = typeof given === "string" || Buffer.isBuffer(given)
  const body = given === undefined ? null : isWritten ? Buffer.from(given) : JSON.stringify(given)
  const response = yield* Effect.promise(() =>
    fetch(`http://127.0.0.1:${httpPort}${path}`, {
      method,
      body,
      headers: { ...(body === null ? {} : { "content-type": "application/json" }), ...headers },
    }),
  )
  const bytes = Buffer.from(yield* Effect.promise(() => response.arrayBuffer()))
  const isJson = response.headers.get("content-type") === "application/json" && bytes.length > 0
  return {
    status: response.status,
    headers: response.headers,
    bytes,
    json: isJson ? JSON.parse(bytes.toString()) : undefined,
  }
})

export const reader = { authorization: "Bearer reader" }
