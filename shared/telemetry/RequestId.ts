/** The correlation id that travels with a request through HTTP, gRPC and NATS as `x-request-id`. */
import { randomBytes as nodeRandomBytes } from "node:crypto"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import { newId } from "../ids/Id.ts"
import { makeIdSource } from "../ids/IdSource.ts"

/** The header, in HTTP, gRPC metadata and NATS alike. */
export const requestIdHeader = "x-request-id"

/** The id of the request being served; undefined outside of one. Every log line shows it. */
export const RequestId = Context.Reference<string | undefined>("shared/telemetry/RequestId", {
  defaultValue: () => undefined,
})

/** Whether an id from outside may be kept: visible, short, and without anything that a log or a header could trip on. */
export const wellFormedRequestId = (text: string): boolean => /^[A-Za-z0-9_-]{8,64}$/.test(text)

/** A new id `req_…`, at a tenth of the cost of other ids: every request of every program makes one. */
const next = makeIdSource("req", nodeRandomBytes)

/** The caller's id where it is well formed, else a new one. */
export const acceptRequestId = (given: string | undefined): string =>
  given !== undefined && wellFormedRequestId(given) ? given : next(Date.now())

/** A new id `req_…`. */
export const newRequestId: Effect.Effect<string> = newId("req")
