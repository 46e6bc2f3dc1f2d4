/** Desired states out of messages, and provisionings into them. */
import type { MessageInitShape } from "@bufbuild/protobuf"
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import { ApplicationMode, Environment } from "#gen/authsome/control/v1/application_pb.ts"
import { type DesiredState, InstanceState } from "#gen/authsome/control/v1/desired_state_pb.ts"
import type { DeprovisionRequested } from "#gen/authsome/control/v1/events_pb.ts"
import { Plan } from "#gen/authsome/control/v1/workspace_pb.ts"
import {
  ProvisioningDirection,
  type ProvisioningSchema,
  ProvisioningState,
  StepName as WireStepName,
  StepState as WireStepState,
} from "#gen/authsome/provisioner/v1/provisioning_pb.ts"
import { ApplicationId, Desired, type Settings, type Wanted } from "./Application.ts"
import { maxAttempts, type Provisioning, type State } from "./Provisioning.ts"
import type { Step, StepName, StepState } from "./Step.ts"

/** What a name stands for on the wire, the other way round; a number that the contract does not know is refused. */
const reverse = <const N extends string, V extends number>(names: Readonly<Record<N, V>>) => {
  const byValue = new Map<number, N>()
  for (const name in names) byValue.set(names[name], name)
  return (value: number): N => {
    const name = byValue.get(value)
    if (name === undefined) throw new RangeError(`${value} is none of ${Object.keys(names).join(", ")}`)
    return name
  }
}

const wantedOf = reverse({
  running: InstanceState.RUNNING,
  suspended: InstanceState.SUSPENDED,
  absent: InstanceState.ABSENT,
} satisfies Record<Wanted, InstanceState>)

const environmentOf = reverse({
  production: Environment.PRODUCTION,
  staging: Environment.STAGING,
  development: Environment.DEVELOPMENT,
} satisfies Record<Settings["environment"], Environment>)

const planOf = reverse({
  free: Plan.FREE,
  pro: Plan.PRO,
  enterprise: Plan.ENTERPRISE,
} satisfies Record<Settings["plan"], Plan>)

/** What the documentation says where the message says nothing. */
const defaultSessionTimeout = "7d"

/** The desired state of a message. One that breaks the contract is a defect of its sender. */
export const toDesired = (message: DesiredState): Desired => {
  const { config, resources } = message
  if (resources === undefined) throw new TypeError("resources are missing")
  const { cpuLimit, memoryLimit, storageLimit, replicas } = resources
  return new Desired({
    applicationId: ApplicationId.make(message.applicationId),
    workspaceId: message.workspaceId,
    generation: message.generation,
    wanted: wantedOf(message.instanceState),
    restartCount: message.restartCount,
    settings: Option.some({
      name: message.name,
      environment: environmentOf(message.environment),
      region: message.region,
      plan: planOf(message.plan),
      mode: config?.mode === ApplicationMode.SAAS ? "saas" : "standalone",
      sessionTimeout: config?.session?.timeout ?? defaultSessionTimeout,
      resources: { cpuLimit, memoryLimit, storageLimit, replicas },
      maxReplicas: message.maxReplicas,
    }),
  })
}

/** That the application is to go, of which nothing else need be known. */
export const toAbsent = ({ applicationId, workspaceId, generation }: DeprovisionRequested): Desired =>
  new Desired({
    applicationId: ApplicationId.make(applicationId),
    workspaceId,
    generation,
    wanted: "absent",
    restartCount: 0,
    settings: Option.none(),
  })

const states = {
  pending: ProvisioningState.PENDING,
  running: ProvisioningState.RUNNING,
  waiting: ProvisioningState.WAITING,
  done: ProvisioningState.DONE,
  failed: ProvisioningState.FAILED,
} satisfies Record<State, ProvisioningState>

const stepNames = {
  namespace: WireStepName.NAMESPACE,
  database: WireStepName.DATABASE,
  redis: WireStepName.REDIS,
  migrations: WireStepName.MIGRATIONS,
  instance: WireStepName.INSTANCE,
  monitoring: WireStepName.MONITORING,
  activate: WireStepName.ACTIVATE,
} satisfies Record<StepName, WireStepName>

const stepStates = {
  pending: WireStepState.PENDING,
  running: WireStepState.RUNNING,
  done: WireStepState.DONE,
  failed: WireStepState.FAILED,
} satisfies Record<StepState, WireStepState>

/** The states of a filter; all where it names none. */
export const toStates = (filter: ReadonlyArray<ProvisioningState>): ReadonlyArray<State> =>
  filter.length === 0 ? allStates : filter.map(reverse(states))

const allStates: ReadonlyArray<State> = ["pending", "running", "waiting", "done", "failed"]

/** What is wanted of the applications that go in each direction. */
const wantedByDirection: Readonly<Record<ProvisioningDirection, ReadonlyArray<Wanted>>> = {
  [ProvisioningDirection.UNSPECIFIED]: ["running", "suspended", "absent"],
  [ProvisioningDirection.PROVISION]: ["running", "suspended"],
  [ProvisioningDirection.DEPROVISION]: ["absent"],
}

export const toWanted = (direction: ProvisioningDirection): ReadonlyArray<Wanted> => wantedByDirection[direction] ?? []

export const fromProvisioning = (provisioning: Provisioning): MessageInitShape<typeof ProvisioningSchema> => {
  const { desired } = provisioning
  return {
    applicationId: desired.applicationId,
    workspaceId: desired.workspaceId,
    direction: desired.wanted === "absent" ? ProvisioningDirection.DEPROVISION : ProvisioningDirection.PROVISION,
    state: states[provisioning.state],
    generation: desired.generation,
    observedGeneration: provisioning.observedGeneration,
    attempt: provisioning.attempt,
    maxAttempts,
    steps: provisioning.steps.map(fromStep),
    instanceUrl: provisioning.instanceUrl,
    reason: Option.getOrUndefined(provisioning.reason),
    nextAttemptAt: Option.getOrUndefined(Option.map(provisioning.nextAttemptAt, toTimestamp)),
    startedAt: Option.getOrUndefined(Option.map(provisioning.startedAt, toTimestamp)),
    endedAt: Option.getOrUndefined(Option.map(provisioning.endedAt, toTimestamp)),
    updatedAt: toTimestamp(provisioning.updatedAt),
  }
}

const fromStep = ({ name, state, attempt, startedAt, endedAt, error }: Step) => ({
  name: stepNames[name],
  state: stepStates[state],
  attempt,
  startedAt: Option.getOrUndefined(Option.map(startedAt, toTimestamp)),
  endedAt: Option.getOrUndefined(Option.map(endedAt, toTimestamp)),
  error: Option.getOrUndefined(error),
})

const toTimestamp = (time: DateTime.Utc): Timestamp => timestampFromMs(DateTime.toEpochMillis(time))
