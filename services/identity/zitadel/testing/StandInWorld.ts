/** What a Zitadel for tests holds, and how it refuses. */

export interface StandInAction {
  readonly id: string
  readonly name: string
  readonly script: string
  readonly timeout: string
  readonly allowedToFail: boolean
  readonly state: "ACTION_STATE_ACTIVE" | "ACTION_STATE_INACTIVE"
}

export interface StandInOrganization {
  readonly id: string
  readonly name: string
  state: "ORG_STATE_ACTIVE" | "ORG_STATE_INACTIVE"
  readonly actions: Map<string, StandInAction>
  /** Ids of actions, by the id of the trigger. */
  readonly triggers: Map<string, ReadonlyArray<string>>
}

export interface StandInUser {
  readonly userId: string
  readonly organization: string
  readonly username: string
  readonly type: "human" | "machine"
  readonly email?: string
  readonly isVerified?: boolean
  readonly metadata: Map<string, string>
}

export interface StandInTarget {
  readonly id: string
  readonly name: string
  readonly endpoint: string
  readonly timeout: string
  readonly restCall: { readonly interruptOnError?: boolean }
  readonly payloadType: string
  readonly signingKey: string
}

/** A failure that the next calls meet, as many as are left. */
export interface Trouble {
  /** Of method, path and organisation, separated by spaces. */
  readonly at: RegExp
  readonly status: number
  left: number
}

export interface StandInWorld {
  /** What each token may: everything, or what concerns one organisation. */
  readonly tokens: Map<string, "instance" | { readonly organization: string }>
  /** Public keys of service accounts (PEM), by key id. */
  readonly serviceAccounts: Map<string, { readonly userId: string; readonly publicKey: string }>
  readonly organizations: Map<string, StandInOrganization>
  readonly users: Map<string, StandInUser>
  readonly targets: Map<string, StandInTarget>
  /** Ids of targets, by the name of the function. */
  readonly executions: Map<string, ReadonlyArray<string>>
  /** False: as 2.62, without actions of version 2. */
  hasVersion2: boolean
  readonly troubles: Array<Trouble>
  /** Method, path and organisation of every call that came, in their order. */
  readonly calls: Array<string>
}

export const newWorld = (): StandInWorld => ({
  tokens: new Map(),
  serviceAccounts: new Map(),
  organizations: new Map(),
  users: new Map(),
  targets: new Map(),
  executions: new Map(),
  hasVersion2: true,
  troubles: [],
  calls: [],
})

export interface Answer {
  readonly status: number
  readonly body: unknown
}

export const answered = (body: unknown): Answer => ({ status: 200, body })

/** gRPC's codes, and the statuses that its gateway makes of them. */
const statuses = {
  invalidArgument: [3, 400],
  notFound: [5, 404],
  alreadyExists: [6, 409],
  permissionDenied: [7, 403],
  failedPrecondition: [9, 400],
  unimplemented: [12, 501],
  unavailable: [14, 503],
  unauthenticated: [16, 401],
} as const

/** A refusal as Zitadel writes it; without an id, as the gateway or the validation does. */
export const refused = (code: keyof typeof statuses, message: string, id?: string): Answer => {
  const [number, status] = statuses[code]
  const detail = { "@type": "type.googleapis.com/zitadel.v1.ErrorDetail", id, message }
  return {
    status,
    body: {
      code: number,
      message: id === undefined ? message : `${message} (${id})`,
      details: id === undefined ? [] : [detail],
    },
  }
}

let lastId = 290_000_000_000_000_000n

/** Ids of Zitadel are numbers of eighteen digits. */
export const nextId = (): string => {
  lastId += 1n
  return String(lastId)
}

/** Adds an organisation. */
export const addOrganization = (world: StandInWorld, name: string): StandInOrganization => {
  const organization: StandInOrganization = {
    id: nextId(),
    name,
    state: "ORG_STATE_ACTIVE",
    actions: new Map(),
    triggers: new Map(),
  }
  world.organizations.set(organization.id, organization)
  return organization
}

/** Adds a person, by default without an address and with an id of Zitadel's. */
export const addUser = (
  world: StandInWorld,
  organization: StandInOrganization,
  given: Partial<Omit<StandInUser, "metadata" | "organization">> = {},
): StandInUser => {
  const userId = given.userId ?? nextId()
  const user: StandInUser = {
    username: `user-${userId}`,
    type: "human",
    ...given,
    userId,
    organization: organization.id,
    metadata: new Map(),
  }
  world.users.set(userId, user)
  return user
}
