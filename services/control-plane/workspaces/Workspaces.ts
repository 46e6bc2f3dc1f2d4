/** What the control plane does with workspaces. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import { newId } from "#shared/ids/Id.ts"
import { Applications } from "../applications/Applications.ts"
import { MemberId } from "../members/Member.ts"
import type { Page, Paged } from "../Page.ts"
import { slugOf, slugWith } from "../Slug.ts"
import type { UserId } from "../users/User.ts"
import { type Metadata, MetadataRefused, mergePatch, problemOf } from "./Metadata.ts"
import { allowsApplications, isForSale, type Plan, PlanNotForSale, planTerms } from "./Plan.ts"
import {
  ApplicationLimitReached,
  type SlugTaken,
  type Workspace,
  WorkspaceId,
  WorkspaceLimitReached,
  WorkspaceNotActive,
  WorkspaceNotFound,
} from "./Workspace.ts"
import { type NewWorkspace, WorkspaceStore } from "./WorkspaceStore.ts"

export interface WorkspaceDraft {
  readonly name: string
  /** None: made from the name. */
  readonly slug: Option.Option<string>
  readonly plan: Plan
  readonly metadata: Metadata
}

/** What is none stays as it is. */
export interface WorkspaceChange {
  readonly name: Option.Option<string>
  readonly plan: Option.Option<Plan>
  /** Merged into what is there (RFC 7396). */
  readonly metadata: Option.Option<Metadata>
}

/** So many workspaces may one user own. */
const maxOwned = 100

export class Workspaces extends Context.Service<
  Workspaces,
  {
    /** Makes a workspace and its creator the owner. */
    readonly create: (
      creator: UserId,
      draft: WorkspaceDraft,
    ) => Effect.Effect<Workspace, SlugTaken | PlanNotForSale | MetadataRefused | WorkspaceLimitReached>
    /** Those in which the user is an active member, newest first. */
    readonly list: (viewer: UserId, page: Page) => Effect.Effect<Paged<Workspace>>
    /** To somebody who is no active member it looks absent. */
    readonly get: (id: WorkspaceId, viewer: UserId) => Effect.Effect<Workspace, WorkspaceNotFound>
    /** A new plan counts at once, for proxies and instances too. */
    readonly update: (
      id: WorkspaceId,
      viewer: UserId,
      change: WorkspaceChange,
    ) => Effect.Effect<
      Workspace,
      WorkspaceNotFound | WorkspaceNotActive | PlanNotForSale | MetadataRefused | ApplicationLimitReached
    >
  }
>()("control-plane/Workspaces") {
  static readonly layer = Layer.effect(
    Workspaces,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const store = yield* WorkspaceStore
      const applications = yield* Applications

      const get = Effect.fn("Workspaces.get")((id: WorkspaceId, viewer: UserId) =>
        Effect.flatMap(
          store.find(id, viewer),
          Option.match({ onNone: () => Effect.fail(new WorkspaceNotFound({ id })), onSome: Effect.succeed }),
        ),
      )

      /** Under the slug that was asked for, or under one made from the name, whatever others are called. */
      const insert = Effect.fnUntraced(function* (slug: Option.Option<string>, workspace: Omit<NewWorkspace, "slug">) {
        if (Option.isSome(slug)) return yield* store.insert({ ...workspace, slug: slug.value })
        const short = workspace.id.slice(-6)
        const suggested = slugOf(workspace.name) ?? short
        yield* Effect.catchTag(store.insert({ ...workspace, slug: suggested }), "SlugTaken", () =>
          store.insert({ ...workspace, slug: slugWith(suggested, short) }),
        )
      })

      const create = Effect.fn("Workspaces.create")(
        function* (creator: UserId, { name, slug, plan, metadata }: WorkspaceDraft) {
          yield* saleable(plan)
          yield* keepable(metadata)
          if ((yield* store.countOwned(creator)) >= maxOwned)
            return yield* new WorkspaceLimitReached({ limit: maxOwned })
          const id = WorkspaceId.make(yield* newId("ws"))
          const owner = { memberId: MemberId.make(yield* newId("mem")), userId: creator }
          yield* insert(slug, { id, name, plan, metadata, owner })
          return yield* Effect.orDie(get(id, creator))
        },
        sql.withTransaction,
        Effect.catchTag("SqlError", Effect.die),
      )

      const update = Effect.fn("Workspaces.update")(
        function* (id: WorkspaceId, viewer: UserId, change: WorkspaceChange) {
          yield* store.lock(id)
          const before = yield* get(id, viewer)
          if (before.status !== "active") return yield* new WorkspaceNotActive({ id })
          const plan = Option.getOrElse(change.plan, () => before.plan)
          const name = Option.getOrElse(change.name, () => before.name)
          const metadata = yield* merged(before.metadata, change.metadata)
          if (plan !== before.plan) {
            yield* saleable(plan)
            const count = yield* applications.count(id)
            const limit = planTerms[plan].applications ?? 0
            if (!allowsApplications(plan, count)) return yield* new ApplicationLimitReached({ plan, limit })
          }
          yield* store.update(id, { name, plan, metadata })
          if (plan !== before.plan) yield* applications.planChanged(id)
          return yield* get(id, viewer)
        },
        sql.withTransaction,
        Effect.catchTag("SqlError", Effect.die),
      )

      return Workspaces.of({ create, list: store.list, get, update })
    }),
  )
}

const saleable = (plan: Plan): Effect.Effect<void, PlanNotForSale> =>
  isForSale(plan) ? Effect.void : Effect.fail(new PlanNotForSale({ plan }))

const keepable = (metadata: Metadata): Effect.Effect<void, MetadataRefused> => {
  const why = problemOf(metadata)
  return why === undefined ? Effect.void : Effect.fail(new MetadataRefused({ why }))
}

const merged = Effect.fnUntraced(function* (before: Metadata, patch: Option.Option<Metadata>) {
  if (Option.isNone(patch)) return before
  // The patch is looked at first, before anything walks into its depth.
  yield* keepable(patch.value)
  const after = mergePatch(before, patch.value)
  yield* keepable(after)
  return after
})
