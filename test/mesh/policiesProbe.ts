/** A server of the contract that shows policies at work, and one call of it in any protocol. */
import type { DescMethodUnary } from "@bufbuild/protobuf"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { ErrorReason } from "#gen/authsome/mesh/v1/error_reason_pb.ts"
import { PoliciesService } from "#gen/authsome/testing/v1/policies_pb.ts"
import { bearerToken, peers } from "#shared/rpc/authenticate.ts"
import { Authentication, Authorization, Call, type CallFacts, type KeyIdentity } from "#shared/rpc/Caller.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { rpcName } from "#shared/rpc/Policy.ts"
import { FailedPrecondition, isReason, NotFound, type PublicError, Unauthenticated } from "#shared/rpc/PublicError.ts"
import { RateLimits } from "#shared/rpc/RateLimits.ts"
import * as Server from "#shared/rpc/Server.ts"
import { Readiness } from "#shared/runtime/Readiness.ts"
import { keyed, serverConfig } from "#shared/testing/meshSettings.ts"
import type { Wire } from "./casesWire.ts"

export const meshKey = Redacted.make("mesh-key-of-the-policies")

/** Which handlers ran, and what was logged as an error. */
export class Ran extends Context.Service<Ran, { readonly rpcs: Array<string>; readonly errors: Array<string> }>()(
  "test/mesh/Ran",
) {
  static readonly layer = Layer.sync(Ran, () => ({ rpcs: [], errors: [] }))
}

const refusedFor = (reason: ErrorReason): PublicError | undefined => {
  const name = Object.entries(ErrorReason).find(([, value]) => value === reason)?.[0] ?? ""
  return isReason(name) ? new FailedPrecondition({ reason: name, message: "as asked" }) : undefined
}

const handlers = Handlers.layer(
  PoliciesService,
  Effect.map(Ran, ({ rpcs }) => {
    const ran = Effect.flatMap(Call, ({ rpc }) => Effect.sync(() => void rpcs.push(rpc.split("/")[1] ?? "")))
    const nothing = () => Effect.as(ran, {})
    return {
      open: () => Effect.flatMap(ran, () => Effect.map(Call, ({ remoteAddress }) => ({ address: remoteAddress }))),
      guess: nothing,
      spend: nothing,
      guessByKey: nothing,
      guessInSession: nothing,
      guessForOthers: nothing,
      refuse: ({ reason }) => refusedFor(reason) ?? nothing(),
      watchRefuse: ({ reason }) => {
        const error = refusedFor(reason)
        return Stream.concat(Stream.succeed({}), error === undefined ? Stream.empty : Stream.fail(error))
      },
      look: nothing,
      watch: () => Stream.fromEffect(nothing()),
    }
  }),
)

const stranger = Effect.fail(new Unauthenticated({ reason: "UNAUTHENTICATED", message: "who are you?" }))

/** "public:key_1" or "secret:key_1". */
const keyOf = (call: CallFacts): KeyIdentity | undefined => {
  const [kind = "", keyId = ""] = (call.header("x-key") ?? "").split(":")
  return kind === "public" || kind === "secret" ? { applicationId: "app_1", keyId, kind, scopes: [] } : undefined
}

const authentication = Layer.effect(
  Authentication,
  Effect.map(peers(keyed(meshKey)), (internal) => ({
    INTERNAL: internal,
    USER: (call: CallFacts) => {
      const token = bearerToken(call.header("authorization"))
      if (token === undefined) return stranger
      return Effect.succeed({ _tag: "User" as const, userId: Redacted.value(token), sessionId: "ses" })
    },
    INSTANCE_KEY: (call: CallFacts) => {
      const key = keyOf(call)
      return key === undefined ? stranger : Effect.succeed({ _tag: "Key" as const, key })
    },
    SESSION: (call: CallFacts) => {
      const [key, userId] = [keyOf(call), call.header("x-session")]
      if (key === undefined || userId === undefined) return stranger
      return Effect.succeed({ _tag: "EndUser" as const, userId, sessionId: "ses", key })
    },
  })),
)

/** Owners may do everything; for others nothing is there. */
const owners: Authorization["Service"]["authorize"] = (caller) =>
  caller._tag === "User" && caller.userId === "owner"
    ? Effect.succeed({})
    : Effect.fail(new NotFound({ reason: "NOT_FOUND", message: "there is no such thing" }))

const errorLog = Layer.unwrap(
  Effect.map(Ran, ({ errors }) =>
    Logger.layer([
      Logger.make(({ message, logLevel }) => {
        if (logLevel === "Error") errors.push(String(message))
      }),
    ]),
  ),
)

export interface Options extends Omit<Server.ServerOptions, "config"> {
  readonly limits?: Layer.Layer<RateLimits, never, Readiness>
  readonly authorize?: Authorization["Service"]["authorize"]
}

/** Listening on free ports; nobody is counted unless `limits` say so. */
export const layer = ({ limits = RateLimits.layerNone, authorize = owners, ...options }: Options = {}) =>
  Server.layer({ config: serverConfig, ...options }, handlers).pipe(
    Layer.provide([authentication, Layer.succeed(Authorization, { authorize }), limits]),
    Layer.provide([Readiness.layer, errorLog]),
    Layer.provideMerge(Ran.layer),
  )

/** One call by hand over a connection of its own. */
export const call = (
  wire: Wire,
  method: DescMethodUnary,
  request: Record<string, unknown> = {},
  headers: Readonly<Record<string, string>> = {},
) =>
  Effect.gen(function* () {
    const port = (yield* Server.Listening)[wire.face]
    const raw = yield* wire.exchange(port, {
      path: `/${rpcName(method)}`,
      body: wire.encode(method, request),
      headers: { "content-type": wire.contentType, ...headers },
    })
    return wire.decode(method, raw)
  })

/** One call by REST. */
export const rest = (verb: string, path: string, headers: Readonly<Record<string, string>> = {}, body?: object) =>
  Effect.flatMap(Server.Listening, ({ httpPort }) =>
    Effect.promise(async () => {
      const response = await fetch(`http://127.0.0.1:${httpPort}/policies/v1/${path}`, {
        method: verb,
        headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
        body: body === undefined ? null : JSON.stringify(body),
      })
      const text = await response.text()
      return { status: response.status, headers: response.headers, json: text === "" ? undefined : JSON.parse(text) }
    }),
  )
