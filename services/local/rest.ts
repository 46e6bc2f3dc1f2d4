/** REST routes below one base, for programs that talk to the stack as a customer would. */
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import { expect, type RequestFailed, send } from "./jsonRequest.ts"

export interface Rest {
  /** The same base with further headers. */
  readonly with: (headers: Readonly<Record<string, string>>) => Rest
  /** The body, where the answer has this status and shape. */
  readonly get: <A>(path: string, status: number, shape: Schema.Codec<A, unknown>) => Effect.Effect<A, RequestFailed>
  readonly post: <A>(
    path: string,
    body: object,
    status: number,
    shape: Schema.Codec<A, unknown>,
  ) => Effect.Effect<A, RequestFailed>
}

export const rest = (base: string, headers: Readonly<Record<string, string>> = {}): Rest => ({
  with: (more) => rest(base, { ...headers, ...more }),
  get: (path, status, shape) =>
    Effect.flatMap(send({ method: "GET", url: `${base}${path}`, headers }), expect(shape, status)),
  post: (path, body, status, shape) =>
    Effect.flatMap(send({ method: "POST", url: `${base}${path}`, headers, body }), expect(shape, status)),
})
