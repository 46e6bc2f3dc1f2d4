/** How tests call the program: as a backend service by gRPC, and as anybody by HTTP. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { IdentityService } from "#gen/authsome/identity/v1/identity_service_pb.ts"
import * as Channel from "#shared/rpc/client/Channel.ts"
import * as Client from "#shared/rpc/client/Client.ts"
import * as Server from "#shared/rpc/Server.ts"
import { meshKey } from "./TestIdentity.ts"

/** A client of IdentityService, as a backend service has it. */
export const identityClient = Effect.gen(function* () {
  const { grpcPort } = yield* Server.Listening
  const url = new URL(`http://127.0.0.1:${grpcPort}`)
  return Client.make(IdentityService, yield* Channel.make({ url, peer: "tests", internalKey: Redacted.make(meshKey) }))
})

/** One request to the outside face; its JSON is whatever came, its text where that was none. */
export const request = (
  method: string,
  path: string,
  options: { readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown } = {},
) =>
  Effect.gen(function* () {
    const { httpPort } = yield* Server.Listening
    return yield* Effect.promise(async () => {
      const response = await fetch(`http://127.0.0.1:${httpPort}${path}`, {
        method,
        headers: { ...(options.body === undefined ? {} : { "content-type": "application/json" }), ...options.headers },
        body: options.body === undefined ? null : JSON.stringify(options.body),
      })
      const text = await response.text()
      const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false
      return { status: response.status, headers: response.headers, json: isJson ? JSON.parse(text) : text }
    })
  })
