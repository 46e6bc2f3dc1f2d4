/** Users of Zitadel and what is noted of them, in its User API of version 2 and its Management API of version 1. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Anything, type ZitadelApi } from "./ZitadelApi.ts"
import type { ZitadelFailed } from "./ZitadelFailed.ts"

/** Where a user of Zitadel is. */
export interface UserPlace {
  readonly id: string
  readonly organization: string
}

/** A person in Zitadel. */
export interface ZitadelUser extends UserPlace {
  /** An address that Zitadel has verified; undefined where it has not. */
  readonly verifiedEmail: string | undefined
}

const Found = Schema.Struct({
  result: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        userId: Schema.String,
        details: Schema.Struct({ resourceOwner: Schema.String }),
        human: Schema.optionalKey(
          Schema.Struct({
            email: Schema.optionalKey(
              Schema.Struct({
                email: Schema.optionalKey(Schema.String),
                isVerified: Schema.optionalKey(Schema.Boolean),
              }),
            ),
          }),
        ),
      }),
    ),
  ),
})

const Metadata = Schema.Struct({
  result: Schema.optionalKey(
    Schema.Array(Schema.Struct({ key: Schema.String, value: Schema.optionalKey(Schema.String) })),
  ),
})

/** People, not machines, that match one of the queries (`SearchQuery` of zitadel.user.v2); at most ten. */
const search = Effect.fnUntraced(function* (api: ZitadelApi, query: object) {
  const queries = [{ typeQuery: { type: "TYPE_HUMAN" } }, query]
  const { result = [] } = yield* api.call(
    { method: "POST", path: "/v2/users", body: { query: { limit: 10 }, queries } },
    Found,
  )
  return result.map(({ userId, details, human }): ZitadelUser => {
    const { email, isVerified = false } = human?.email ?? {}
    return {
      id: userId,
      organization: details.resourceOwner,
      verifiedEmail: isVerified ? email : undefined,
    }
  })
})

/** People with one of these ids, in any organisation. */
export const findByIds = (api: ZitadelApi, userIds: ReadonlyArray<string>) =>
  search(api, { inUserIdsQuery: { userIds } })

/** People with that address, in any case and any organisation; verified or not. */
export const findByEmail = (api: ZitadelApi, emailAddress: string) =>
  search(api, { emailQuery: { emailAddress, method: "TEXT_QUERY_METHOD_EQUALS_IGNORE_CASE" } })

const metadataPath = (user: string) => `/management/v1/users/${encodeURIComponent(user)}/metadata`

/** What is noted of a user under keys that begin so, decoded from base64; at most a hundred. */
export const readMetadata = Effect.fnUntraced(function* (
  api: ZitadelApi,
  { id, organization }: UserPlace,
  prefix: string,
) {
  const queries = [{ keyQuery: { key: prefix, method: "TEXT_QUERY_METHOD_STARTS_WITH" } }]
  const { result = [] } = yield* api.call(
    { method: "POST", path: `${metadataPath(id)}/_search`, organization, body: { query: { limit: 100 }, queries } },
    Metadata,
  )
  return new Map(result.map(({ key, value = "" }) => [key, Buffer.from(value, "base64").toString()]))
})

/** Notes these texts of a user, all or none. */
export const setMetadata = (
  api: ZitadelApi,
  { id, organization }: UserPlace,
  entries: Readonly<Record<string, string>>,
): Effect.Effect<void, ZitadelFailed> => {
  const metadata = Object.entries(entries).map(([key, value]) => ({
    key,
    value: Buffer.from(value).toString("base64"),
  }))
  return Effect.asVoid(
    api.call({ method: "POST", path: `${metadataPath(id)}/_bulk`, organization, body: { metadata } }, Anything),
  )
}

/** Forgets what is noted under these keys, all or none; each must be there. */
export const removeMetadata = (
  api: ZitadelApi,
  { id, organization }: UserPlace,
  keys: ReadonlyArray<string>,
): Effect.Effect<void, ZitadelFailed> =>
  Effect.asVoid(
    api.call({ method: "DELETE", path: `${metadataPath(id)}/_bulk`, organization, body: { keys } }, Anything),
  )
