/** The error responses of a document: one component for each status and set of reasons, named by them. */
import { ErrorReason, ErrorReasonSchema } from "#gen/authsome/mesh/v1/error_reason_pb.ts"
import { isReason, type Reason } from "../../PublicError.ts"
import type { Comments, Content, Reference, Response, Schema } from "./Document.ts"
import { allCodes, type RefusedStatus, statusesOf } from "./reasons.ts"

const envelope = "Error"
const flat = "FlatError"

export class Refusals {
  readonly #responses = new Map<string, Response>()
  readonly #shapes = new Set<string>()
  readonly #comments: Comments

  constructor(comments: Comments) {
    this.#comments = comments
  }

  /** The error responses of an operation that may give `reasons`, by status. */
  responses(reasons: Iterable<Reason>, isFlat: boolean): Readonly<Record<string, Reference>> {
    const shape = isFlat ? flat : envelope
    this.#shapes.add(shape)
    return Object.fromEntries(
      statusesOf(reasons).map((refused) => {
        const name = [...(isFlat ? ["flat"] : []), refused.code, ...refused.reasons.map(lower)].join(".")
        if (!this.#responses.has(name)) this.#responses.set(name, this.#response(refused, shape))
        return [String(refused.status), { $ref: `#/components/responses/${name}` }]
      }),
    )
  }

  /** Every response that was referred to so far, by name. */
  get components(): Readonly<Record<string, Response>> {
    return Object.fromEntries([...this.#responses].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  /** The error shapes that the responses need, by name. */
  get schemas(): Readonly<Record<string, Schema>> {
    return {
      ...(this.#shapes.has(envelope) ? { [envelope]: this.#envelope() } : {}),
      ...(this.#shapes.has(flat) ? { [flat]: this.#flat() } : {}),
    }
  }

  #response({ status, code, reasons }: RefusedStatus, shape: string): Response {
    const content: Content = { "application/json": { schema: { $ref: `#/components/schemas/${shape}` } } }
    const retry: Response["headers"] = { "Retry-After": { $ref: "#/components/headers/Retry-After" } }
    return {
      description: [`Refused as \`${code}\`:`, ...reasons.map((reason) => this.#line(reason))].join("\n"),
      ...(status === 429 || status === 503 ? { headers: retry } : {}),
      content,
      "x-authsome-reasons": reasons.map(lower),
    }
  }

  #line(reason: Reason): string {
    const prefix = ErrorReasonSchema.sharedPrefix ?? ""
    const says = this.#comments.get(`${ErrorReasonSchema.typeName}.${prefix}${reason}`)
    return says === undefined ? `- \`${lower(reason)}\`` : `- \`${lower(reason)}\`: ${says}`
  }

  #envelope(): Schema {
    const detail: Schema = {
      type: "object",
      properties: {
        field: { type: "string", description: "A path such as `user.email` or `keys[2]`; empty: the whole request." },
        message: { type: "string", description: "What is wrong with it." },
      },
      required: ["field", "message"],
    }
    const properties: Schema = {
      code: { type: "string", enum: [...allCodes()], description: "The kind of refusal; each status has one." },
      message: { type: "string", description: "A sentence for the developer who reads it." },
      reason: this.#reason(),
      details: { type: "array", items: detail, description: "The fields that broke a rule." },
      metadata: {
        type: "object",
        additionalProperties: { type: "string" },
        description: "Facts that a program may act on, such as the slug that is taken.",
      },
      requestId: { type: "string", description: "Finds the call in the log. Empty: no route was found for it." },
      retryAfter: { type: "integer", minimum: 1, description: "When a repeat may succeed. Seconds." },
    }
    const error: Schema = {
      type: "object",
      description: "What was refused, and why.",
      properties,
      required: ["code", "message", "reason", "requestId"],
    }
    return { type: "object", description: "A refusal.", properties: { error }, required: ["error"] }
  }

  #flat(): Schema {
    const message: Schema = { type: "string", description: "A sentence for the developer who reads it." }
    return {
      type: "object",
      description: "A refusal.",
      properties: { error: this.#reason(), message },
      required: ["error", "message"],
    }
  }

  #reason(): Schema {
    return {
      type: "string",
      enum: Object.keys(ErrorReason).filter(isReason).map(lower),
      description: "Why; a program may act on it.",
    }
  }
}

const lower = (reason: Reason): string => reason.toLowerCase()
