/** User and Action API of version 2, as far as searching people, targets and executions go (Zitadel 4). */
import { randomBytes } from "node:crypto"
import { type Answer, answered, nextId, refused, type StandInUser, type StandInWorld } from "./StandInWorld.ts"
import { type Call, paged } from "./standInManagement.ts"

/** POST /v2/users, with the three kinds of query that are needed. */
export const searchUsers = ({ world, body }: Call, may: (organization: string) => boolean): Answer => {
  const queries: ReadonlyArray<Record<string, Record<string, unknown>>> = Array.isArray(body["queries"])
    ? body["queries"]
    : []
  const matches = (user: StandInUser) =>
    queries.every(({ typeQuery, inUserIdsQuery, emailQuery }) => {
      if (typeQuery !== undefined) return typeQuery["type"] === `TYPE_${user.type.toUpperCase()}`
      if (inUserIdsQuery !== undefined) return Object(inUserIdsQuery["userIds"]).includes(user.userId)
      if (emailQuery === undefined) return false
      const wanted = String(emailQuery["emailAddress"])
      return emailQuery["method"] === "TEXT_QUERY_METHOD_EQUALS_IGNORE_CASE"
        ? user.email?.toLowerCase() === wanted.toLowerCase()
        : user.email === wanted
    })
  return paged([...world.users.values()].filter((user) => may(user.organization) && matches(user)).map(shownUser), body)
}

const shownUser = ({ userId, organization, username, type, email, isVerified }: StandInUser) => ({
  userId,
  details: { sequence: "1", resourceOwner: organization },
  state: "USER_STATE_ACTIVE",
  username,
  ...(type === "machine"
    ? { machine: { name: username } }
    : { human: { userId, ...(email !== undefined && { email: { email, ...(isVerified && { isVerified }) } }) } }),
})

/** What is under /v2/actions; undefined where there is no such route. */
export const actions = ({ method, path, body, world }: Call): Answer | undefined => {
  const rest = path.slice("/v2/actions/".length)
  if (method === "POST" && rest === "targets/search") return answered({ targets: [...world.targets.values()] })
  if (method === "POST" && rest === "targets") return createTarget(world, body)
  if (method === "POST" && rest === "executions/search") return answered({ executions: executionsOf(world) })
  if (method === "PUT" && rest === "executions") return setExecution(world, body)
  const [, id] = /^targets\/([^/]+)$/.exec(rest) ?? []
  if (id === undefined) return undefined
  if (method === "POST") return updateTarget(world, id, body)
  return method === "DELETE" ? deleteTarget(world, id) : undefined
}

const executionsOf = ({ executions }: StandInWorld) =>
  [...executions]
    .filter(([, targets]) => targets.length > 0)
    .map(([name, targets]) => ({ condition: { function: { name } }, targets }))

/** The fields of a target; undefined where they break a rule. */
const targetFields = (body: Call["body"]) => {
  const { name = "", endpoint = "", timeout = "", restCall, payloadType = "PAYLOAD_TYPE_JSON" } = body
  const seconds = Number(/^(\d+)s$/.exec(String(timeout))?.[1] ?? Number.NaN)
  if (name === "" || endpoint === "" || !(seconds <= 270) || restCall === undefined) return undefined
  const { interruptOnError } = Object(restCall)
  return {
    name: String(name),
    endpoint: String(endpoint),
    timeout: String(timeout),
    restCall: { ...(interruptOnError === true && { interruptOnError: true }) },
    payloadType: String(payloadType),
  }
}

const denied = refused("invalidArgument", "Errors.Target.DeniedURL", "COMMAND-T4gq2")
const isDenied = (endpoint: string) => /^https?:\/\/(localhost|127\.)/.test(endpoint)

const newKey = () => randomBytes(16).toString("base64url")

const createTarget = (world: StandInWorld, body: Call["body"]): Answer => {
  const fields = targetFields(body)
  if (fields === undefined) return refused("invalidArgument", "invalid CreateTargetRequest")
  if (isDenied(fields.endpoint)) return denied
  const id = nextId()
  const signingKey = newKey()
  world.targets.set(id, { id, ...fields, signingKey })
  return answered({ id, creationDate: "2026-01-01T00:00:00Z", signingKey })
}

const updateTarget = (world: StandInWorld, id: string, body: Call["body"]): Answer => {
  const before = world.targets.get(id)
  if (before === undefined) return refused("notFound", "Errors.Target.NotFound", "COMMAND-xj14f2cccn")
  const { expirationSigningKey: grace, ...changes } = body
  const fields = targetFields({ ...before, ...changes })
  if (fields === undefined) return refused("invalidArgument", "invalid UpdateTargetRequest")
  if (isDenied(fields.endpoint)) return denied
  if (grace !== undefined && grace !== "0s") {
    return refused("invalidArgument", "invalid UpdateTargetRequest.ExpirationSigningKey: value must equal 0s")
  }
  const signingKey = grace === undefined ? before.signingKey : newKey()
  world.targets.set(id, { ...before, ...fields, signingKey })
  return answered({ changeDate: "2026-01-01T00:00:00Z", ...(grace !== undefined && { signingKey }) })
}

/** Takes it out of all executions too. */
const deleteTarget = (world: StandInWorld, id: string): Answer => {
  world.targets.delete(id)
  for (const [name, targets] of world.executions) {
    world.executions.set(
      name,
      targets.filter((each) => each !== id),
    )
  }
  return answered({})
}

const setExecution = (world: StandInWorld, body: Call["body"]): Answer => {
  const { function: condition } = Object(body["condition"])
  const name = String(Object(condition).name)
  if (!["preuserinfo", "preaccesstoken", "presamlresponse"].includes(name)) {
    return refused("failedPrecondition", "Errors.Execution.ConditionInvalid", "COMMAND-i3qo4ijaz2")
  }
  const targets = Array.isArray(body["targets"]) ? body["targets"].map(String) : []
  if (!targets.every((id) => world.targets.has(id))) {
    return refused("failedPrecondition", "Errors.Target.NotFound", "COMMAND-17e8fq1ggk")
  }
  world.executions.set(name, targets)
  return answered({ setDate: "2026-01-01T00:00:00Z" })
}
