/** Management and Admin API of version 1, as far as organisations, actions, flows and metadata go (Zitadel 2.62). */
import { type Answer, answered, nextId, refused, type StandInOrganization, type StandInWorld } from "./StandInWorld.ts"

export interface Call {
  readonly method: string
  readonly path: string
  readonly body: Readonly<Record<string, unknown>>
  readonly world: StandInWorld
}

const text = (value: unknown): string => (typeof value === "string" ? value : "")
const texts = (value: unknown): ReadonlyArray<string> => (Array.isArray(value) ? value.map(text) : [])

/** One page of a list, as `ListQuery` asks for it. */
export const paged = <A>(rows: ReadonlyArray<A>, body: Call["body"]): Answer => {
  const { offset = 0, limit = 100 } = Object(body["query"])
  if (Number(limit) > 1000) return refused("invalidArgument", "Errors.Query.LimitExceeded", "QUERY-4M0fs")
  const result = rows.slice(Number(offset), Number(offset) + Number(limit))
  const details = { totalResult: String(rows.length), viewTimestamp: "2026-01-01T00:00:00Z" }
  return answered({ details, ...(result.length > 0 && { result }) })
}

/** POST /admin/v1/orgs/_search */
export const searchOrganizations = ({ world, body }: Call): Answer =>
  paged(
    [...world.organizations.values()].map(({ id, name, state }) => ({ id, name, state })),
    body,
  )

/** What an organisation answers; undefined where there is no such route. */
export const management = (call: Call, organization: StandInOrganization): Answer | undefined => {
  const { method, path, body, world } = call
  const [, area, id, verb, last] =
    /^\/management\/v1\/(\w+)(?:\/([^/]+))?(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(path) ?? []
  switch (`${method} ${area}`) {
    case "GET orgs":
      return id === "me" ? answered({ org: pick(organization) }) : undefined
    case "POST actions":
      if (id === undefined) return createAction(organization, body)
      if (id === "_search") return paged(shown(organization), body)
      return verb === "_reactivate" ? reactivate(organization, id) : undefined
    case "PUT actions":
      return id === undefined ? undefined : changeAction(organization, id, body)
    case "DELETE actions":
      return id === undefined ? undefined : deleteAction(organization, id)
    case "GET flows":
      return id === "2" ? answered({ flow: flowOf(organization) }) : undefined
    case "POST flows":
      return verb === "trigger" ? setTrigger(organization, id ?? "", last ?? "", texts(body["actionIds"])) : undefined
    case "POST users":
    case "DELETE users":
      return verb === "metadata" ? metadata(method, world, organization, id ?? "", last ?? "", body) : undefined
    default:
      return undefined
  }
}

const pick = ({ id, name, state }: StandInOrganization) => ({ id, name, state })

/** ProtoJSON leaves out what is empty. */
const shown = ({ actions }: StandInOrganization) =>
  [...actions.values()].map(({ allowedToFail, ...action }) => ({ ...action, ...(allowedToFail && { allowedToFail }) }))

/** The validation of `CreateActionRequest` and `UpdateActionRequest`. */
const faultOf = (body: Call["body"]): string | undefined => {
  const unknown = Object.keys(body).find((key) => !["name", "script", "timeout", "allowedToFail"].includes(key))
  if (unknown !== undefined) return `unknown field "${unknown}"`
  const [name, script, timeout] = [text(body["name"]), text(body["script"]), text(body["timeout"])]
  const seconds = /^(\d+(?:\.\d+)?)s$/.exec(timeout)?.[1]
  if (name === "" || [...name].length > 200) return "Name: value length must be between 1 and 200 runes, inclusive"
  if (script === "" || Buffer.byteLength(script) > 40_000) {
    return "Script: value length must be between 1 and 40000 bytes, inclusive"
  }
  if (seconds === undefined || Number(seconds) > 20) return "Timeout: value must be inside range [0s, 20s]"
  return undefined
}

const fieldsOf = (body: Call["body"]) => ({
  name: text(body["name"]),
  script: text(body["script"]),
  timeout: text(body["timeout"]),
  allowedToFail: body["allowedToFail"] === true,
})

const nameTaken = refused("alreadyExists", "Errors.Action.AlreadyExists", "V3-DKcYh")

const createAction = ({ actions }: StandInOrganization, body: Call["body"]): Answer => {
  const fault = faultOf(body)
  if (fault !== undefined) return refused("invalidArgument", `invalid CreateActionRequest.${fault}`)
  const fields = fieldsOf(body)
  if ([...actions.values()].some(({ name }) => name === fields.name)) return nameTaken
  const id = nextId()
  actions.set(id, { id, ...fields, state: "ACTION_STATE_ACTIVE" })
  return answered({ id, details: {} })
}

const changeAction = ({ actions }: StandInOrganization, id: string, body: Call["body"]): Answer => {
  const fault = faultOf(body)
  if (fault !== undefined) return refused("invalidArgument", `invalid UpdateActionRequest.${fault}`)
  const before = actions.get(id)
  if (before === undefined) return refused("notFound", "Errors.Action.NotFound", "COMMAND-Sfg2t")
  const after = { ...before, ...fieldsOf(body) }
  if (JSON.stringify(before) === JSON.stringify(after)) {
    return refused("failedPrecondition", "Errors.NoChangesFound", "ACTION-dg4t2")
  }
  if ([...actions.values()].some((other) => other.id !== id && other.name === after.name)) return nameTaken
  actions.set(id, after)
  return answered({ details: {} })
}

const reactivate = ({ actions }: StandInOrganization, id: string): Answer => {
  const action = actions.get(id)
  if (action === undefined) return refused("notFound", "Errors.Action.NotFound", "COMMAND-BNm56")
  if (action.state === "ACTION_STATE_ACTIVE") {
    return refused("failedPrecondition", "Errors.Action.NotInactive", "COMMAND-J53zh")
  }
  actions.set(id, { ...action, state: "ACTION_STATE_ACTIVE" })
  return answered({ details: {} })
}

/** Takes it off its triggers too. */
const deleteAction = ({ actions, triggers }: StandInOrganization, id: string): Answer => {
  if (!actions.delete(id)) return refused("notFound", "Errors.Action.NotFound", "COMMAND-Dgh4h")
  for (const [trigger, ids] of triggers) {
    triggers.set(
      trigger,
      ids.filter((each) => each !== id),
    )
  }
  return answered({ details: {} })
}

const flowOf = (organization: StandInOrganization) => ({
  type: { id: "2", name: { key: "Action.Flow.Type.CustomiseToken" } },
  state: "FLOW_STATE_ACTIVE",
  triggerActions: [...organization.triggers]
    .filter(([, ids]) => ids.length > 0)
    .map(([id, ids]) => ({
      triggerType: { id },
      actions: ids.flatMap((each) => shown(organization).filter((action) => action.id === each)),
    })),
})

const setTrigger = (
  { actions, triggers }: StandInOrganization,
  flow: string,
  trigger: string,
  ids: ReadonlyArray<string>,
): Answer => {
  if (flow !== "2" || !["4", "5"].includes(trigger)) {
    return refused("invalidArgument", "Errors.Flow.WrongTriggerType", "COMMAND-Dfgh6")
  }
  if (JSON.stringify(triggers.get(trigger) ?? []) === JSON.stringify(ids)) {
    return refused("failedPrecondition", "Errors.Flow.NoChanges", "COMMAND-Nfh52")
  }
  if (!ids.every((id) => actions.has(id))) {
    return refused("failedPrecondition", "Errors.Flow.ActionIDsNotExist", "COMMAND-dg422")
  }
  triggers.set(trigger, ids)
  return answered({ details: {} })
}

const metadata = (
  method: string,
  world: StandInWorld,
  organization: StandInOrganization,
  id: string,
  verb: string,
  body: Call["body"],
): Answer | undefined => {
  const user = world.users.get(id)
  const found = user?.organization === organization.id ? user : undefined
  if (verb === "_search") return searchMetadata(found?.metadata ?? new Map(), body)
  if (verb !== "_bulk") return undefined
  // A user of another organisation is none in this one.
  if (found === undefined) return refused("failedPrecondition", "Errors.User.NotFound", "COMMAND-uXHNj")
  return method === "POST" ? bulkSet(found.metadata, body) : bulkRemove(found.metadata, texts(body["keys"]))
}

/** With queries for keys, by equality or by how they begin. */
const searchMetadata = (metadata: ReadonlyMap<string, string>, body: Call["body"]): Answer => {
  const queries = Array.isArray(body["queries"]) ? body["queries"] : []
  const matches = (key: string) =>
    queries.every(({ keyQuery }) => {
      const wanted = text(Object(keyQuery).key)
      return Object(keyQuery).method === "TEXT_QUERY_METHOD_STARTS_WITH" ? key.startsWith(wanted) : key === wanted
    })
  return paged(
    [...metadata].filter(([key]) => matches(key)).map(([key, value]) => ({ key, value })),
    body,
  )
}

const bulkSet = (metadata: Map<string, string>, body: Call["body"]): Answer => {
  const entries = Array.isArray(body["metadata"]) ? body["metadata"] : []
  if (entries.length === 0) return refused("failedPrecondition", "Errors.Metadata.NoData", "META-9mm2d")
  for (const { key, value } of entries) {
    const bytes = Buffer.from(text(value), "base64")
    if (bytes.toString("base64") !== value) return refused("invalidArgument", "proto: invalid value for bytes type")
    if (text(key) === "" || bytes.length === 0) {
      return refused("invalidArgument", "Errors.Metadata.Invalid", "META-2m00f")
    }
  }
  for (const { key, value } of entries) metadata.set(text(key), text(value))
  return answered({ details: {} })
}

const bulkRemove = (metadata: Map<string, string>, keys: ReadonlyArray<string>): Answer => {
  if (keys.length === 0) return refused("failedPrecondition", "Errors.Metadata.NoData", "META-9mm2d")
  if (!keys.every((key) => metadata.has(key))) {
    return refused("notFound", "Errors.Metadata.KeyNotExisting", "META-2nnds")
  }
  for (const key of keys) metadata.delete(key)
  return answered({ details: {} })
}
