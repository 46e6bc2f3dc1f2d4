/** The end users of an instance, and what they and their customer's programs ask of it by REST. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { request } from "./TestClient.ts"
import { fromProxy, type KeyOptions } from "./TestIdentity.ts"

export interface CallOptions {
  readonly body?: unknown
  /** Unless given: a public one. */
  readonly key?: KeyOptions
  readonly session?: string
  readonly idempotencyKey?: string
}

/** A request as it comes from the proxy. */
export const call = Effect.fnUntraced(function* (
  method: string,
  path: string,
  { body, key, session, idempotencyKey }: CallOptions = {},
) {
  const repeat = idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }
  return yield* request(method, path, { headers: { ...(yield* fromProxy(key, session)), ...repeat }, body })
})

/** What became of a call: its status, and the reason of a refusal. */
export const outcome = (method: string, path: string, options?: CallOptions) =>
  Effect.map(call(method, path, options), ({ status, json }): readonly [number, string] => [
    status,
    json?.error?.reason ?? "",
  ])

/** A new account with its session. The domain is the test file's: mails of all files lie in one folder. */
export const signedUp = (domain: string) =>
  Effect.fnUntraced(function* (name: string) {
    const email = `${name}@${domain}`
    const body = { email, password: "correct horse battery", name }
    const { status, json } = yield* call("POST", "/auth/signup", { body })
    assert.strictEqual(status, 201)
    const { token, refreshToken } = json.session
    return { name, email, id: String(json.user.id), session: String(token), refreshToken: String(refreshToken) }
  })
