/** Applications as messages: the customer's view, and the desired state that the provisioner works from. */
import type { MessageInitShape } from "@bufbuild/protobuf"
import * as Redacted from "effect/Redacted"
import {
  type ApplicationConfigSchema,
  type ApplicationSchema,
  type CreateApplicationResponseSchema,
  type ApplicationConfig as WireConfig,
  Environment as WireEnvironment,
  ApplicationMode as WireMode,
  ApplicationStatus as WireStatus,
} from "#gen/authsome/control/v1/application_pb.ts"
import { type DesiredStateSchema, InstanceState } from "#gen/authsome/control/v1/desired_state_pb.ts"
import { enumWords } from "../enums.ts"
import { toOptionalTimestamp, toTimestamp } from "../timestamp.ts"
import { plans } from "../workspaces/proto.ts"
import { type Application, type ApplicationStatus, type Environment, instanceStateOf } from "./Application.ts"
import type { ApplicationConfig, ApplicationMode } from "./ApplicationConfig.ts"
import type { CreatedApplication } from "./Applications.ts"
import { apiUrlOf, dashboardUrlOf, type InstallationShape } from "./Installation.ts"
import { resourcesOf } from "./Resources.ts"

export const environments = enumWords<Environment, WireEnvironment>({
  production: WireEnvironment.PRODUCTION,
  staging: WireEnvironment.STAGING,
  development: WireEnvironment.DEVELOPMENT,
})

export const statuses = enumWords<ApplicationStatus, WireStatus>({
  provisioning: WireStatus.PROVISIONING,
  active: WireStatus.ACTIVE,
  suspended: WireStatus.SUSPENDED,
  restarting: WireStatus.RESTARTING,
  failed: WireStatus.FAILED,
  deleting: WireStatus.DELETING,
  deleted: WireStatus.DELETED,
})

const modes = enumWords<ApplicationMode, WireMode>({ standalone: WireMode.STANDALONE, saas: WireMode.SAAS })

const instanceStates = {
  running: InstanceState.RUNNING,
  suspended: InstanceState.SUSPENDED,
  absent: InstanceState.ABSENT,
}

export const fromConfig = (config: WireConfig | undefined): ApplicationConfig => ({
  ...(config?.mode !== undefined && { mode: modes.fromValid(config.mode) }),
  ...(config?.session !== undefined && {
    session: config.session.timeout === undefined ? {} : { timeout: config.session.timeout },
  }),
})

export const toConfig = ({ mode, session }: ApplicationConfig): MessageInitShape<typeof ApplicationConfigSchema> => ({
  ...(mode !== undefined && { mode: modes.toProto(mode) }),
  ...(session !== undefined && { session }),
})

/** What the answer of a creation shows, too. */
const toCommon = (application: Application, installation: InstallationShape) => ({
  id: application.id,
  workspaceId: application.workspaceId,
  name: application.name,
  slug: application.slug,
  environment: environments.toProto(application.environment),
  region: application.region,
  status: statuses.toProto(application.status),
  config: toConfig(application.config),
  apiUrl: apiUrlOf(installation, application.id),
  createdAt: toTimestamp(application.createdAt),
  updatedAt: toTimestamp(application.updatedAt),
})

/** As in lists: without resources and figures. */
export const toApplication = (application: Application, installation: InstallationShape) =>
  ({
    ...toCommon(application, installation),
    statusReason: application.statusReason ?? undefined,
    publicKey: application.publicKey ?? undefined,
    dashboardUrl: dashboardUrlOf(installation, application.id),
    purgeAt: toOptionalTimestamp(application.purgeAt),
  }) satisfies MessageInitShape<typeof ApplicationSchema>

/** The new application with its keys in the clear, for its owner. */
export const toCreated = (
  { application, publicKey, secretKey }: CreatedApplication,
  installation: InstallationShape,
): MessageInitShape<typeof CreateApplicationResponseSchema> => ({
  ...toCommon(application, installation),
  publicKey: Redacted.value(publicKey),
  secretKey: Redacted.value(secretKey),
})

/** What the instance of an application is to be like. */
export const toDesired = (application: Application): MessageInitShape<typeof DesiredStateSchema> => {
  const { maxReplicas, ...resources } = resourcesOf(application.plan)
  return {
    applicationId: application.id,
    workspaceId: application.workspaceId,
    generation: application.generation,
    name: application.name,
    environment: environments.toProto(application.environment),
    region: application.region,
    plan: plans.toProto(application.plan),
    config: toConfig(application.config),
    resources,
    maxReplicas,
    instanceState: instanceStates[instanceStateOf(application.status)],
    restartCount: application.restartCount,
  }
}

export const toResources = (application: Application) => {
  const { maxReplicas: _, ...resources } = resourcesOf(application.plan)
  return resources
}
