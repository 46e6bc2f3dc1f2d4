/** The organisations of an instance of Zitadel: an action of version 1 lives in each of them. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ZitadelApi } from "./ZitadelApi.ts"

export interface Organization {
  readonly id: string
  readonly name: string
  /** In an organisation that is not, nobody signs in. */
  readonly active: boolean
}

const Organization = Schema.Struct({
  id: Schema.String,
  name: Schema.optionalKey(Schema.String),
  state: Schema.optionalKey(Schema.String),
})

const Found = Schema.Struct({ result: Schema.optionalKey(Schema.Array(Organization)) })
const Mine = Schema.Struct({ org: Organization })

const known = ({ id, name = id, state }: typeof Organization.Type): Organization => ({
  id,
  name,
  active: state !== "ORG_STATE_INACTIVE",
})

const pageSize = 100

/** All of them, in the order in which they were made. Needs the right to read organisations of the whole instance. */
export const listOrganizations = Effect.fnUntraced(function* (api: ZitadelApi) {
  const found: Array<typeof Organization.Type> = []
  let last: number
  do {
    const body = { query: { offset: String(found.length), limit: pageSize, asc: true } }
    const { result = [] } = yield* api.call({ method: "POST", path: "/admin/v1/orgs/_search", body }, Found)
    found.push(...result)
    last = result.length
  } while (last === pageSize)
  return found.filter(({ state }) => state !== "ORG_STATE_REMOVED").map(known)
})

/** The organisation of that id; needs no right beyond it. */
export const getOrganization = Effect.fnUntraced(function* (api: ZitadelApi, organization: string) {
  const { org } = yield* api.call({ method: "GET", path: "/management/v1/orgs/me", organization }, Mine)
  return known(org)
})
