/** What the control plane does with applications. One method, one use case, one transaction. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import { ProvisionRequestedSchema } from "#gen/authsome/control/v1/events_pb.ts"
import { Outbox } from "#shared/events/Outbox.ts"
import { shortId } from "#shared/ids/Id.ts"
import { ApiKeyStore } from "../keys/ApiKeyStore.ts"
import { type IssuedKey, issue } from "../keys/IssuedKey.ts"
import type { Page, Paged } from "../Page.ts"
import { RouteChanges } from "../routing/RouteChanges.ts"
import { slugOf, slugWith } from "../Slug.ts"
import { toTimestamp } from "../timestamp.ts"
import { allowsApplications, planTerms } from "../workspaces/Plan.ts"
import {
  ApplicationLimitReached,
  type SlugTaken,
  type WorkspaceId,
  WorkspaceNotActive,
  WorkspaceNotFound,
} from "../workspaces/Workspace.ts"
import { WorkspaceStore } from "../workspaces/WorkspaceStore.ts"
import {
  type Application,
  ApplicationId,
  ApplicationNotFound,
  applicationIdBytes,
  type Environment,
  nameOf,
  RegionUnknown,
} from "./Application.ts"
import { type ApplicationConfig, isAllowed, SessionTimeoutRefused } from "./ApplicationConfig.ts"
import { type ApplicationFilter, ApplicationStore, type NewApplication } from "./ApplicationStore.ts"
import { Installation } from "./Installation.ts"
import { toDesired } from "./proto.ts"

export interface ApplicationDraft {
  readonly workspaceId: WorkspaceId
  readonly name: string
  /** None: made from the name. */
  readonly slug: Option.Option<string>
  readonly environment: Environment
  /** None: the installation's first. */
  readonly region: Option.Option<string>
  readonly config: ApplicationConfig
}

export interface CreatedApplication {
  readonly application: Application
  readonly publicKey: Redacted.Redacted<string>
  /** The whole key, this once. */
  readonly secretKey: Redacted.Redacted<string>
}

export type CreateRefused =
  | SlugTaken
  | ApplicationLimitReached
  | WorkspaceNotActive
  | WorkspaceNotFound
  | RegionUnknown
  | SessionTimeoutRefused

export class Applications extends Context.Service<
  Applications,
  {
    /** Records an application with its first two keys and asks for its instance: all of it, or nothing. */
    readonly create: (draft: ApplicationDraft) => Effect.Effect<CreatedApplication, CreateRefused>
    readonly list: (
      workspaceId: WorkspaceId,
      filter: ApplicationFilter,
      page: Page,
    ) => Effect.Effect<Paged<Application>>
    readonly get: (id: ApplicationId) => Effect.Effect<Application, ApplicationNotFound>
    /** How many applications count against the plan. */
    readonly count: (workspaceId: WorkspaceId) => Effect.Effect<number>
    /** Tells provisioner and proxies, within the caller's transaction, that the workspace has another plan. */
    readonly planChanged: (workspaceId: WorkspaceId) => Effect.Effect<void>
  }
>()("control-plane/Applications") {
  static readonly layer = Layer.effect(
    Applications,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const store = yield* ApplicationStore
      const keys = yield* ApiKeyStore
      const workspaces = yield* WorkspaceStore
      const outbox = yield* Outbox
      const routes = yield* RouteChanges
      const { regions } = yield* Installation

      const get = Effect.fn("Applications.get")((id: ApplicationId) =>
        Effect.flatMap(
          store.find(id),
          Option.match({ onNone: () => Effect.fail(new ApplicationNotFound({ id })), onSome: Effect.succeed }),
        ),
      )

      const requestProvisioning = Effect.fnUntraced(function* (application: Application) {
        const event = { desired: toDesired(application), occurredAt: toTimestamp(yield* DateTime.now) }
        yield* outbox.append(ProvisionRequestedSchema, event, { aggregate: application.id })
      })

      /** Holds the workspace, so that two requests cannot both take its last place. */
      const takePlace = Effect.fnUntraced(function* (id: WorkspaceId) {
        const tenancy = yield* workspaces.lock(id)
        if (Option.isNone(tenancy)) return yield* new WorkspaceNotFound({ id })
        const { plan, status } = tenancy.value
        if (status !== "active") return yield* new WorkspaceNotActive({ id })
        const limit = planTerms[plan].applications ?? 0
        if (!allowsApplications(plan, (yield* store.countOpen(id)) + 1)) {
          return yield* new ApplicationLimitReached({ plan, limit })
        }
      })

      /** Under the slug that was asked for, or under one made from the name, whatever others are called. */
      const insert = Effect.fnUntraced(function* (
        slug: Option.Option<string>,
        application: Omit<NewApplication, "slug">,
      ) {
        if (Option.isSome(slug)) return yield* store.insert({ ...application, slug: slug.value })
        const short = nameOf(application.id).slice(0, 6)
        const suggested = slugOf(application.name) ?? short
        yield* Effect.catchTag(store.insert({ ...application, slug: suggested }), "SlugTaken", () =>
          store.insert({ ...application, slug: slugWith(suggested, short) }),
        )
      })

      const keep = (applicationId: ApplicationId, issued: IssuedKey, name: string) =>
        keys.insert({
          applicationId,
          issued,
          name,
          type: issued.type,
          publicKey: issued.type === "public" ? Redacted.value(issued.key) : null,
          scopes: issued.type === "public" ? [] : ["*"],
          allowedOrigins: [],
          expiresAt: null,
          createdBy: null,
        })

      const create = Effect.fn("Applications.create")(
        function* ({ workspaceId, name, slug, environment, region: wanted, config }: ApplicationDraft) {
          const region = Option.getOrElse(wanted, () => regions[0])
          if (!regions.includes(region)) return yield* new RegionUnknown({ region, known: regions })
          if (!isAllowed(config)) return yield* new SessionTimeoutRefused()
          yield* takePlace(workspaceId)
          const id = ApplicationId.make(yield* shortId("app", applicationIdBytes))
          yield* insert(slug, { id, workspaceId, name, environment, region, config })
          const publicKey = yield* issue("public", environment, id)
          const secretKey = yield* issue("secret", environment, id)
          yield* keep(id, publicKey, "Public key")
          yield* keep(id, secretKey, "Secret key")
          const application = yield* Effect.orDie(get(id))
          yield* requestProvisioning(application)
          return { application, publicKey: publicKey.key, secretKey: secretKey.key }
        },
        sql.withTransaction,
        Effect.catchTag("SqlError", Effect.die),
      )

      const planChanged = Effect.fnUntraced(function* (workspaceId: WorkspaceId) {
        const ids = yield* store.bumpGenerations(workspaceId)
        yield* Effect.forEach(
          ids,
          Effect.fnUntraced(function* (id) {
            yield* requestProvisioning(yield* Effect.orDie(get(id)))
            yield* routes.announce(id)
          }),
          { discard: true },
        )
      })

      return Applications.of({ create, list: store.list, get, count: store.countOpen, planChanged })
    }),
  )
}
