/** What an application's instance may use, in the units of Kubernetes. */
import type { Plan } from "../workspaces/Plan.ts"

export interface Resources {
  /** Processor time of each process. */
  readonly cpuLimit: string
  /** Memory of each process. */
  readonly memoryLimit: string
  /** Size of the database. */
  readonly storageLimit: string
  /** Processes at rest. */
  readonly replicas: number
  /** Processes under load. */
  readonly maxReplicas: number
}

const instance = { cpuLimit: "1000m", memoryLimit: "2Gi", replicas: 2, maxReplicas: 10 }

/** Storage of the free plan ends where its included storage does; the others pay for more, up to what a disk bears. */
const storageLimits: Readonly<Record<Plan, string>> = { free: "5Gi", pro: "100Gi", enterprise: "1024Gi" }

export const resourcesOf = (plan: Plan): Resources => ({ ...instance, storageLimit: storageLimits[plan] })
