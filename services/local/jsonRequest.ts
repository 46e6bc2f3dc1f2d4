/** One JSON request over HTTP, as a stranger with only the documentation would make it. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** No answer came, or none that could be used. `request` names method and path; nothing of what was sent is kept. */
export class RequestFailed extends Schema.TaggedError<RequestFailed>()("RequestFailed", {
  request: Schema.String,
  reason: Schema.String,
}) {
  override get message(): string {
    return `${this.request} ${this.reason}`
  }
}

export interface JsonRequest {
  readonly method: "GET" | "POST"
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** An answer, whatever its status; the body is undefined where it is not JSON. */
export interface Answer {
  readonly request: string
  readonly status: number
  readonly body: unknown
}

const parseJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

/** Sends the request and takes the whole answer, within 15 seconds. */
export const send = (options: JsonRequest): Effect.Effect<Answer, RequestFailed> => {
  const request = `${options.method} ${new URL(options.url).pathname}`
  return Effect.tryPromise({
    try: async (signal) => {
      const response = await fetch(options.url, {
        method: options.method,
        headers: { ...(options.body !== undefined && { "content-type": "application/json" }), ...options.headers },
        body: options.body === undefined ? null : JSON.stringify(options.body),
        signal,
      })
      return { status: response.status, text: await response.text() }
    },
    catch: (cause) => new RequestFailed({ request, reason: `was not answered: ${causeOf(cause)}` }),
  }).pipe(
    Effect.timeoutOrElse({
      duration: "15 seconds",
      orElse: () => Effect.fail(new RequestFailed({ request, reason: "was not answered within 15 seconds" })),
    }),
    Effect.map(({ status, text }) => ({
      request,
      status,
      body: Option.getOrUndefined(parseJson(text)),
    })),
  )
}

/** The body of an answer with one of these statuses; fails with what the error in any other says of itself. */
export const expect =
  <A>(schema: Schema.Codec<A, unknown>, ...statuses: ReadonlyArray<number>) =>
  ({ request, status, body }: Answer): Effect.Effect<A, RequestFailed> =>
    statuses.includes(status)
      ? Effect.mapError(
          Schema.decodeUnknownEffect(schema)(body),
          ({ message }) => new RequestFailed({ request, reason: `answered ${status} with something else: ${message}` }),
        )
      : Effect.fail(new RequestFailed({ request, reason: `answered ${status}${toldOf(body)}` }))

const ErrorBody = Schema.Struct({
  error: Schema.Struct({ code: Schema.String, message: Schema.String, requestId: Schema.optionalKey(Schema.String) }),
})
const decodeError = Schema.decodeUnknownOption(ErrorBody)

const toldOf = (body: unknown): string => {
  const told = Option.getOrUndefined(decodeError(body))
  if (told === undefined) return ""
  const { code, message, requestId } = told.error
  return ` (${code}: ${message}${requestId === undefined ? "" : `, ${requestId}`})`
}

const causeOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause)
  return cause.cause instanceof Error ? cause.cause.message : cause.message
}
