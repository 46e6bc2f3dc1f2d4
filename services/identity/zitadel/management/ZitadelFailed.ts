/** Why Zitadel did not do what it was asked to. Names no token, and nobody. */
import * as Schema from "effect/Schema"

const kinds = [
  /** It cannot be reached, is too busy, or failed by itself: a repeat may succeed. */
  "unavailable",
  /** It does not take the token. */
  "unauthenticated",
  /** The token may not do this. */
  "forbidden",
  /** There is no such organisation. */
  "unknownOrganization",
  "notFound",
  "alreadyExists",
  /** All was so before. */
  "unchanged",
  /** The request breaks one of its rules. */
  "refused",
  /** It answered with something that it does not document. */
  "unreadable",
] as const

export type FailureKind = (typeof kinds)[number]

export class ZitadelFailed extends Schema.TaggedError<ZitadelFailed>()("ZitadelFailed", {
  kind: Schema.Literals(kinds),
  /** Method and path. */
  request: Schema.String,
  /** What it said, or what went wrong on the way to it. */
  detail: Schema.String,
}) {
  override get message(): string {
    const { request, detail } = this
    const sentences: Readonly<Record<FailureKind, string>> = {
      unavailable: `Zitadel is away: ${detail}`,
      unauthenticated: `Zitadel does not take who we say we are: ${detail}`,
      forbidden: `Zitadel does not let this token do ${request}: ${detail}`,
      unknownOrganization: "Zitadel has no such organisation",
      notFound: `Zitadel has nothing at ${request}: ${detail}`,
      alreadyExists: `Zitadel has that already (${request}): ${detail}`,
      unchanged: `Zitadel had nothing to change (${request})`,
      refused: `Zitadel refused ${request}: ${detail}`,
      unreadable: `Zitadel answered ${request} with something else than documented: ${detail}`,
    }
    return sentences[this.kind]
  }
}

/** The body of an error, as the gRPC gateway writes it. */
export const Refusal = Schema.Struct({
  code: Schema.optionalKey(Schema.Number),
  message: Schema.optionalKey(Schema.String),
  details: Schema.optionalKey(Schema.Array(Schema.Struct({ id: Schema.optionalKey(Schema.String) }))),
})

const byStatus: Readonly<Record<number, FailureKind>> = {
  401: "unauthenticated",
  403: "forbidden",
  404: "notFound",
  409: "alreadyExists",
  429: "unavailable",
}

/** Refusals that are told apart by their id only (v2.62: repository/action, command/org_flow.go, command/user.go, authz/context.go). */
const byId: Readonly<Record<string, FailureKind>> = {
  "ACTION-dg4t2": "unchanged",
  "COMMAND-Nfh52": "unchanged",
  "AUTH-Bs7Ds": "unknownOrganization",
  "COMMAND-uXHNj": "notFound",
}

const unimplemented = 501

/** What an answer other than 2xx means. */
export const failureOf = (request: string, status: number, body: typeof Refusal.Type): ZitadelFailed => {
  const ids = (body.details ?? []).flatMap(({ id }) => (id === undefined ? [] : [id]))
  const known = ids.flatMap((id) => byId[id] ?? []).at(0)
  const kind = known ?? byStatus[status] ?? (status >= 500 && status !== unimplemented ? "unavailable" : "refused")
  const detail = [String(status), ...(body.message === undefined ? [] : [body.message.slice(0, 300)])].join(" ")
  return new ZitadelFailed({ kind, request, detail })
}
