/** The control plane as its customers see it: REST, and nothing else. */
import * as Effect from "effect/Effect"
import { newId } from "#shared/ids/Id.ts"
import { Listening } from "#shared/rpc/Server.ts"

export interface CallOptions {
  readonly body?: unknown
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** One request to a path below /control/v1. */
export const call = (method: string, path: string, { body, token, headers }: CallOptions = {}) =>
  Effect.flatMap(Listening, ({ httpPort }) =>
    Effect.promise(async () => {
      const response = await fetch(`http://127.0.0.1:${httpPort}/control/v1${path}`, {
        method,
        headers: {
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      })
      const text = await response.text()
      return { status: response.status, headers: response.headers, json: text === "" ? undefined : JSON.parse(text) }
    }),
  )

export const password = "correct horse battery staple"

/** Signs up somebody new; answers with the bearer token and the rest. */
export const signedUp = Effect.gen(function* () {
  const email = `${yield* newId("usr")}@example.com`
  const { json } = yield* call("POST", "/auth/signup", { body: { email, password, name: "Ada" } })
  return { email, token: String(json.token), refreshToken: String(json.refreshToken), userId: String(json.user.id) }
})

/** A workspace of somebody new. */
export const workspaceMade = Effect.gen(function* () {
  const user = yield* signedUp
  const { json } = yield* call("POST", "/workspaces", { token: user.token, body: { name: "Acme" } })
  return { ...user, workspaceId: String(json.id) }
})

/** An application of somebody new. */
export const applicationMade = Effect.gen(function* () {
  const made = yield* workspaceMade
  const { json } = yield* call("POST", `/workspaces/${made.workspaceId}/applications`, {
    token: made.token,
    body: { name: "Production", environment: "production" },
  })
  return {
    ...made,
    applicationId: String(json.id),
    publicKey: String(json.publicKey),
    secretKey: String(json.secretKey),
  }
})
