/** Calls as a customer makes them; any status is an answer. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { Agent, fetch } from "undici"

// biome-ignore lint/suspicious/noExplicitAny: a test asserts what it reads of an answer
type Json = any

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly json: Json
}

export class NoAnswer extends Data.TaggedError("NoAnswer")<{ readonly url: string; readonly cause: unknown }> {}

interface Options {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

const agent = new Agent({ keepAliveTimeout: 1000 })

export const call = (
  method: string,
  url: string,
  { headers = {}, body }: Options = {},
): Effect.Effect<Answer, NoAnswer> =>
  Effect.tryPromise({
    try: async (signal) => {
      const payload = body === undefined || typeof body === "string" ? body : JSON.stringify(body)
      const response = await fetch(url, {
        method,
        signal,
        dispatcher: agent,
        headers: { ...(payload === undefined ? {} : { "content-type": "application/json" }), ...headers },
        ...(payload === undefined ? {} : { body: payload }),
      })
      const text = await response.text()
      return { status: response.status, headers: response.headers as Headers, json: parse(text) }
    },
    catch: (cause) => new NoAnswer({ url, cause }),
  })

const parse = (text: string): Json => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
