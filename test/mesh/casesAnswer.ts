/** What an answer means, in one shape for every protocol. */
import { ConnectError } from "@connectrpc/connect"
import { codeFromHttpStatus, codeToString } from "@connectrpc/connect/protocol-connect"
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "#gen/google/rpc/error_details_pb.ts"
import type { Raw } from "./casesExchange.ts"

export interface Answer {
  /** "ok", or the name of the code such as "not_found". */
  readonly code: string
  readonly message: string
  readonly reason: string | undefined
  readonly metadata: Readonly<Record<string, string>> | undefined
  readonly retryAfterMs: number | undefined
  readonly violations: ReadonlyArray<{ readonly field: string; readonly description: string }> | undefined
  /** The response message as JSON text; undefined for an error. */
  readonly json: string | undefined
  readonly raw: Raw
}

export const success = (json: string, raw: Raw): Answer => ({
  code: "ok",
  message: "",
  reason: undefined,
  metadata: undefined,
  retryAfterMs: undefined,
  violations: undefined,
  json,
  raw,
})

export const failure = (error: ConnectError, raw: Raw): Answer => {
  const info = error.findDetails(ErrorInfoSchema)[0]
  const delay = error.findDetails(RetryInfoSchema)[0]?.retryDelay
  return {
    code: codeToString(error.code),
    message: error.rawMessage,
    reason: info?.reason,
    metadata: info?.metadata,
    retryAfterMs: delay === undefined ? undefined : Number(delay.seconds) * 1000 + delay.nanos / 1e6,
    violations: error
      .findDetails(BadRequestSchema)[0]
      ?.fieldViolations.map(({ field, description }) => ({ field, description })),
    json: undefined,
    raw,
  }
}

/** An answer that is none of the protocol's: its HTTP status is its code. */
export const foreign = (raw: Raw): Answer =>
  failure(new ConnectError(`HTTP ${raw.status}`, codeFromHttpStatus(raw.status)), raw)
