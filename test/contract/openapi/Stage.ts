/** A server of the whole contract whose handlers answer what the test says, to callers with the right credentials. */
import type { DescMethod, Message } from "@bufbuild/protobuf"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { Authentication, Authorization, type CallerIdentity, type CallFacts } from "#shared/rpc/Caller.ts"
import { Implementations, type UnaryHandler } from "#shared/rpc/Handlers.ts"
import { Unauthenticated } from "#shared/rpc/PublicError.ts"
import { RateLimits } from "#shared/rpc/RateLimits.ts"
import { Recorder } from "#shared/rpc/Recorder.ts"
import * as Server from "#shared/rpc/Server.ts"
import { Readiness } from "#shared/runtime/Readiness.ts"
import { serverConfig } from "#shared/testing/meshSettings.ts"
import { services } from "./Contract.ts"

/** What each rpc answers next, and what it was asked last. */
export class Script extends Context.Service<
  Script,
  { readonly answers: Map<DescMethod, Message>; readonly asked: Map<DescMethod, Message> }
>()("test/contract/Script") {
  static readonly layer = Layer.sync(Script, () => ({ answers: new Map(), asked: new Map() }))
}

/** What the security schemes of the document want to see, by header. */
export const credentials = {
  user: { authorization: "Bearer a-user" },
  apiKey: { authorization: "Bearer a-key" },
  session: { "x-authsome-session": "a-session" },
  internalKey: { "x-internal-api-key": "the-key" },
  signature: { signature: "a-signature" },
} satisfies Readonly<Record<string, Readonly<Record<string, string>>>>

type Scheme = keyof typeof credentials

const shows = (call: CallFacts, scheme: Scheme): boolean =>
  Object.entries(credentials[scheme]).every(([name, value]) => call.header(name) === value)

const withAll =
  (schemes: ReadonlyArray<Scheme>, identity: CallerIdentity) =>
  (call: CallFacts): Effect.Effect<CallerIdentity, Unauthenticated> =>
    schemes.every((scheme) => shows(call, scheme))
      ? Effect.succeed(identity)
      : Effect.fail(new Unauthenticated({ reason: "UNAUTHENTICATED", message: "a credential is missing" }))

const key = { applicationId: "app", keyId: "key", kind: "secret", scopes: ["*"] } as const

const authentication = Layer.succeed(Authentication, {
  USER: withAll(["user"], { _tag: "User", userId: "usr", sessionId: "ses" }),
  INSTANCE_KEY: withAll(["apiKey"], { _tag: "Key", key }),
  SESSION: withAll(["apiKey", "session"], { _tag: "EndUser", userId: "usr", sessionId: "ses", key }),
  ZITADEL: withAll(["internalKey"], { _tag: "Anonymous" }),
  SIGNED_WEBHOOK: withAll(["signature"], { _tag: "Anonymous" }),
})

const authorization = Layer.succeed(Authorization, { authorize: () => Effect.succeed({}) })

/** Nothing is kept here. */
const recorder = Layer.succeed(Recorder, { record: (_, steps) => Effect.flatten(steps) })

const handlers = Layer.effectDiscard(
  Effect.gen(function* () {
    const implementations = yield* Implementations
    const { answers, asked } = yield* Script
    const handler =
      (method: DescMethod): UnaryHandler =>
      (request) =>
        Effect.sync(() => {
          asked.set(method, request)
          return answers.get(method) ?? {}
        })
    for (const service of services) {
      const unary = service.methods.filter(({ methodKind }) => methodKind === "unary")
      const handlersOf = new Map(unary.map((method) => [method, handler(method)]))
      implementations.add({ service, unary: handlersOf, streaming: new Map() })
    }
  }),
)

/** Whose pages may call. */
export const page = "https://page.example"

export const layer = Server.layer({ config: serverConfig, origins: [page] }, handlers).pipe(
  Layer.provide([authentication, authorization, recorder, RateLimits.layerNone, Readiness.layer, Logger.layer([])]),
  Layer.provideMerge(Script.layer),
)
