/** Calls of Zitadel's REST APIs: JSON in, JSON out, refusals as values. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { type Credentials, tokensOf } from "./Credentials.ts"
import { failureOf, Refusal, ZitadelFailed } from "./ZitadelFailed.ts"

export interface ZitadelSettings {
  /** The address by which people reach Zitadel: it tells its instances apart by the name. */
  readonly url: URL
  readonly credentials: Credentials
}

export interface Request {
  readonly method: "GET" | "POST" | "PUT" | "DELETE"
  /** Begins with a slash; what it holds of others is encoded. */
  readonly path: string
  /** The organisation that is meant (`x-zitadel-orgid`). Unset: the one of whom the token belongs to. */
  readonly organization?: string
  readonly body?: unknown
}

export interface ZitadelApi {
  /** The answer's body, as far as the schema asks for it. */
  readonly call: <A>(request: Request, answer: Schema.Decoder<A>) => Effect.Effect<A, ZitadelFailed>
}

/** The longest that one call may take. */
const patience = "10 seconds"

/** An answer whose body does not matter. */
export const Anything = Schema.Unknown

const decodeRefusal = Schema.decodeUnknownEffect(Schema.fromJsonString(Refusal))
const decodeJson = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Unknown))

const notAToken = new ZitadelFailed({
  kind: "unauthenticated",
  request: "any",
  detail: "the token is not one word of ASCII",
})

interface Answered {
  readonly status: number
  readonly text: string
}

/** A client of the Zitadel at that address. */
export const zitadelApi = ({ url, credentials }: ZitadelSettings): ZitadelApi => {
  const tokens = tokensOf(url, credentials)

  const send = Effect.fnUntraced(function* ({ method, path, organization, body }: Request) {
    const token = Redacted.value(yield* tokens.current).trim()
    // To try it would look as if Zitadel were away.
    if (!/^[\x21-\x7e]+$/.test(token)) return yield* notAToken
    const away = (detail: string) =>
      new ZitadelFailed({ kind: "unavailable", request: `${method} ${pathOf(path)}`, detail })
    return yield* Effect.tryPromise({
      try: async (signal): Promise<Answered> => {
        const response = await fetch(new URL(path, url), {
          method,
          signal,
          redirect: "error",
          headers: {
            accept: "application/json",
            authorization: `Bearer ${token}`,
            ...(organization !== undefined && { "x-zitadel-orgid": organization }),
            ...(body !== undefined && { "content-type": "application/json" }),
          },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        })
        return { status: response.status, text: await response.text() }
      },
      catch: (error) => away(`${url.origin} cannot be reached (${reasonOf(error)})`),
    }).pipe(Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.fail(away(`no answer in ${patience}`)) }))
  })

  const call = Effect.fnUntraced(function* <A>(request: Request, answer: Schema.Decoder<A>) {
    const name = `${request.method} ${pathOf(request.path)}`
    const first = yield* send(request)
    // A token that was good a moment ago may have ended.
    const again = first.status === 401 && (yield* tokens.forget)
    const { status, text } = again ? yield* send(request) : first
    if (status < 200 || status > 299) {
      const refusal = yield* Effect.orElseSucceed(decodeRefusal(text), () => ({}))
      return yield* failureOf(name, status, refusal)
    }
    return yield* Effect.mapError(
      Effect.flatMap(decodeJson(text), Schema.decodeUnknownEffect(answer)),
      // What it says of the value might be somebody's address.
      () => new ZitadelFailed({ kind: "unreadable", request: name, detail: "it is not what the API promises" }),
    )
  })

  return { call }
}

const pathOf = (path: string): string => path.split("?")[0] ?? path

/** Such as ECONNREFUSED or ENOTFOUND; never more, since messages may hold whole addresses. */
const reasonOf = (error: unknown): string => {
  const cause = error instanceof Error ? error.cause : undefined
  const { code } = Object(cause)
  return typeof code === "string" ? code : "no connection"
}
