/**
 * Where instances run. One port, two places: processes of this machine, or Kubernetes. Every `ensure` and `remove` looks
 * before it acts, may be repeated at any point, and succeeds only when what it is about is there, or gone.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type { ApplicationId } from "../applications/Application.ts"

/** How the processes of an instance are started. */
export interface InstanceSpec {
  /** Changes with whatever below makes new processes necessary; kept with them, so that it can be compared. */
  readonly revision: string
  /** The environment, except for what the place itself decides: ports, addresses to listen on, limits. */
  readonly variables: Readonly<Record<string, string>>
  /** The part of the environment that nobody else may read. */
  readonly secrets: Readonly<Record<string, Redacted.Redacted<string>>>
}

/** A Redis as the instance reaches it. */
export interface ObservedRedis {
  readonly host: string
  readonly port: number
  readonly ready: boolean
}

export interface ObservedInstance {
  readonly revision: string
  /** Where it serves its customers' requests, such as `http://127.0.0.1:20480`. */
  readonly url: string
  /** Whether it says that it can do its work. */
  readonly ready: boolean
}

/** What is there of an application, whoever made it and whenever. */
export interface Observation {
  readonly namespace: boolean
  readonly redis: Option.Option<ObservedRedis>
  readonly instance: Option.Option<ObservedInstance>
  /** `differs`: it is watched, but not where it is now. */
  readonly monitoring: "absent" | "differs" | "present"
}

/** What a cluster holds of an application. */
export type ClusterPart = "namespace" | "redis" | "instance" | "monitoring"

/** The cluster could not do it now. The reason is for operators and holds no secret. */
export class ClusterFailed extends Schema.TaggedError<ClusterFailed>()("ClusterFailed", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

export class Cluster extends Context.Service<
  Cluster,
  {
    readonly observe: (id: ApplicationId) => Effect.Effect<Observation, ClusterFailed>
    /** A place that no other application's programs can look into. */
    readonly ensureNamespace: (id: ApplicationId) => Effect.Effect<void, ClusterFailed>
    /** A Redis of its own that opens with this password and keeps what it holds. */
    readonly ensureRedis: (id: ApplicationId, password: Redacted.Redacted<string>) => Effect.Effect<void, ClusterFailed>
    /** Processes of this revision, and only those, up to their being ready. */
    readonly ensureInstance: (id: ApplicationId, spec: InstanceSpec) => Effect.Effect<void, ClusterFailed>
    /** Metrics are gathered from where the instance is. */
    readonly ensureMonitoring: (id: ApplicationId) => Effect.Effect<void, ClusterFailed>
    /** The part is gone, with its data; a namespace with all that is in it. */
    readonly remove: (id: ApplicationId, part: ClusterPart) => Effect.Effect<void, ClusterFailed>
    /** Applications of which something may have changed by itself, such as a process that died. */
    readonly changes: Stream.Stream<ApplicationId>
  }
>()("provisioner/Cluster") {}
