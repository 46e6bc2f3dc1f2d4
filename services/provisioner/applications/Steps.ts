/** The steps as deeds: looks at what is there, and takes one step, or takes it back. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { Cluster, type ClusterFailed, type InstanceSpec, type Observation } from "../cluster/Cluster.ts"
import { type TenantDatabaseFailed, TenantDatabases } from "../database/TenantDatabases.ts"
import { Announcement, activation } from "./Announcement.ts"
import { Credentials, type InstanceCredentials } from "./Credentials.ts"
import { InstanceEnvironment } from "./InstanceEnvironment.ts"
import { type InstanceResources, instanceSpec } from "./instanceSpec.ts"
import type { Provisioning } from "./Provisioning.ts"
import type { Action, Observed } from "./plan.ts"
import { StepFailed, type StepName } from "./Step.ts"

/** What a look shows. */
export interface Sight {
  readonly observed: Observed
  /** Where the instance is; empty where there is none. */
  readonly instanceUrl: string
  /** None: the application is to go, and its secrets are nobody's business any more. */
  readonly means: Option.Option<Means>
}

/** What the steps to an instance need. */
export interface Means {
  readonly credentials: InstanceCredentials
  /** None while there is no Redis to tell the instance of. */
  readonly spec: Option.Option<InstanceSpec>
}

/** A step that is a deed; "activate" is a word to the control plane. */
export type Deed = Action & { readonly name: Exclude<StepName, "activate"> }

export class Steps extends Context.Service<
  Steps,
  {
    /** What is there now, compared with what is wanted. */
    readonly look: (provisioning: Provisioning) => Effect.Effect<Sight, StepFailed>
    /** Does it, within the time that the step has. Doing it twice does no harm. */
    readonly take: (provisioning: Provisioning, sight: Sight, deed: Deed) => Effect.Effect<void, StepFailed>
  }
>()("provisioner/Steps") {
  static readonly layer = Layer.effect(
    Steps,
    Effect.gen(function* () {
      const cluster = yield* Cluster
      const databases = yield* TenantDatabases
      const credentialsOf = (yield* Credentials).of
      const environment = yield* InstanceEnvironment

      const meansOf = Effect.fnUntraced(function* ({ id, desired }: Provisioning, { redis }: Observation) {
        const credentials = yield* credentialsOf(id).pipe(
          // Without our own database nothing can be noted down either: nobody's attempt has failed.
          Effect.catchTag("SqlError", Effect.die),
          Effect.catchTag("SealBroken", () => Effect.fail(sealBroken)),
        )
        const resources = Option.map(
          redis,
          ({ host, port }): InstanceResources => ({
            databaseUrl: databases.urlOf(id, credentials.databasePassword),
            redisUrl: Redacted.make(`redis://:${Redacted.value(credentials.redisPassword)}@${host}:${port}`),
            sealingKeys: credentials.sealingKeys,
          }),
        )
        return { credentials, spec: Option.map(resources, (its) => instanceSpec(desired, environment, its)) }
      })

      const look = Effect.fn("Steps.look")(
        function* (provisioning: Provisioning) {
          const { id, desired, announced } = provisioning
          const [there, tables] = yield* Effect.all([cluster.observe(id), databases.observe(id)], { concurrency: 2 })
          const means = desired.wanted === "absent" ? Option.none() : Option.some(yield* meansOf(provisioning, there))
          const instanceUrl = Option.match(there.instance, { onNone: () => "", onSome: ({ url }) => url })
          const active = new Announcement({ status: "active", instanceUrl, generation: desired.generation })
          const observed: Observed = {
            ...tables,
            namespace: there.namespace ? "present" : "absent",
            redis: partOf(there.redis, ({ ready }) => ready),
            instance: partOf(
              there.instance,
              ({ ready, revision }) =>
                ready &&
                Option.exists(
                  Option.flatMap(means, ({ spec }) => spec),
                  (spec) => spec.revision === revision,
                ),
            ),
            monitoring: there.monitoring,
            activate: activation(Option.getOrUndefined(announced), active),
          }
          return { observed, instanceUrl, means }
        },
        Effect.timeoutOrElse({ duration: lookTime, orElse: () => Effect.fail(tooSlow) }),
        Effect.mapError(asStepFailed),
      )

      const make = (
        { id }: Provisioning,
        { credentials, spec }: Means,
        name: Deed["name"],
      ): Effect.Effect<void, ClusterFailed | TenantDatabaseFailed | StepFailed> => {
        switch (name) {
          case "namespace":
            return cluster.ensureNamespace(id)
          case "database":
            return databases.ensure(id, credentials.databasePassword)
          case "redis":
            return cluster.ensureRedis(id, credentials.redisPassword)
          case "migrations":
            return databases.migrate(id, credentials.databasePassword)
          case "instance":
            return Option.isSome(spec) ? cluster.ensureInstance(id, spec.value) : Effect.fail(noMeans)
          case "monitoring":
            return cluster.ensureMonitoring(id)
        }
      }

      const remove = (
        { id }: Provisioning,
        name: Deed["name"],
      ): Effect.Effect<void, ClusterFailed | TenantDatabaseFailed> =>
        name === "database" || name === "migrations" ? databases.remove(id) : cluster.remove(id, name)

      const act = (provisioning: Provisioning, { means }: Sight, { name, verb }: Deed) => {
        if (verb === "remove") return remove(provisioning, name)
        return Option.isSome(means) ? make(provisioning, means.value, name) : Effect.fail(noMeans)
      }

      return Steps.of({
        look,
        take: Effect.fn("Steps.take")((provisioning, sight, deed) =>
          act(provisioning, sight, deed).pipe(
            Effect.timeoutOrElse({ duration: stepTime[deed.name], orElse: () => Effect.fail(tooSlow) }),
            Effect.mapError(asStepFailed),
          ),
        ),
      })
    }),
  ).pipe(Layer.provide(Credentials.layer))
}

const lookTime = Duration.seconds(15)
/** More than what is waited for inside of each. */
const stepTime: Readonly<Record<Deed["name"], Duration.Duration>> = {
  namespace: Duration.seconds(10),
  database: Duration.seconds(60),
  redis: Duration.seconds(30),
  migrations: Duration.minutes(10),
  instance: Duration.minutes(2),
  monitoring: Duration.seconds(10),
}

const tooSlow = new StepFailed({ reason: "it took too long" })
const sealBroken = new StepFailed({ reason: "its secrets do not open with any of SEALING_KEYS" })
const noMeans = new StepFailed({ reason: "what it needs is not there" })

const asStepFailed = ({ message }: Error): StepFailed => new StepFailed({ reason: message })

const partOf = <A>(thing: Option.Option<A>, isAsWanted: (thing: A) => boolean) =>
  Option.match(thing, {
    onNone: () => "absent" as const,
    onSome: (its) => (isAsWanted(its) ? ("present" as const) : ("differs" as const)),
  })
