/** Keys of an application: made, listed, revoked. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import {
  type ApplicationId,
  ApplicationNotFound,
  ApplicationStatusConflict,
  isOpen,
} from "../applications/Application.ts"
import { ApplicationStore } from "../applications/ApplicationStore.ts"
import type { Page, Paged } from "../Page.ts"
import { RouteChanges } from "../routing/RouteChanges.ts"
import type { UserId } from "../users/User.ts"
import { WorkspaceNotActive } from "../workspaces/Workspace.ts"
import { WorkspaceStore } from "../workspaces/WorkspaceStore.ts"
import {
  type ApiKey,
  type ApiKeyId,
  ApiKeyNotFound,
  type KeyDraft,
  KeyDraftRefused,
  KeyLimitReached,
  maxKeys,
  problemsOf,
} from "./ApiKey.ts"
import { ApiKeyStore } from "./ApiKeyStore.ts"
import { issue } from "./IssuedKey.ts"

export interface CreatedKey {
  readonly apiKey: ApiKey
  /** The whole key, this once. */
  readonly key: Redacted.Redacted<string>
}

export class ApiKeys extends Context.Service<
  ApiKeys,
  {
    readonly list: (applicationId: ApplicationId, page: Page) => Effect.Effect<Paged<ApiKey>>
    /** Makes a key, which works at once, and tells the proxies. */
    readonly create: (
      author: UserId,
      applicationId: ApplicationId,
      draft: KeyDraft,
    ) => Effect.Effect<
      CreatedKey,
      KeyDraftRefused | KeyLimitReached | ApplicationNotFound | ApplicationStatusConflict | WorkspaceNotActive
    >
    /** Revokes a key for good and tells the proxies; false where it was revoked before, and nothing changes. */
    readonly revoke: (applicationId: ApplicationId, id: ApiKeyId) => Effect.Effect<boolean, ApiKeyNotFound>
  }
>()("control-plane/ApiKeys") {
  static readonly layer = Layer.effect(
    ApiKeys,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const store = yield* ApiKeyStore
      const applications = yield* ApplicationStore
      const workspaces = yield* WorkspaceStore
      const routes = yield* RouteChanges

      /** The application, if keys may be made for it; it stays so until the transaction ends. */
      const lockOpen = Effect.fnUntraced(function* (id: ApplicationId) {
        const found = yield* applications.lock(id)
        if (Option.isNone(found)) return yield* new ApplicationNotFound({ id })
        const { status, workspaceId } = found.value
        if (!isOpen(status)) return yield* new ApplicationStatusConflict({ id, status })
        const tenancy = yield* workspaces.tenancy(workspaceId)
        if (Option.isNone(tenancy) || tenancy.value.status !== "active") {
          return yield* new WorkspaceNotActive({ id: workspaceId })
        }
        return found.value
      })

      const create = Effect.fn("ApiKeys.create")(
        function* (author: UserId, applicationId: ApplicationId, draft: KeyDraft) {
          const problems = problemsOf(draft, yield* DateTime.now)
          if (problems.length > 0) return yield* new KeyDraftRefused({ problems })
          const { environment } = yield* lockOpen(applicationId)
          if ((yield* store.count(applicationId)) >= maxKeys) return yield* new KeyLimitReached({ limit: maxKeys })
          const issued = yield* issue(draft.type, environment, applicationId)
          const apiKey = yield* store.insert({ ...draft, applicationId, issued, publicKey: null, createdBy: author })
          yield* routes.announce(applicationId, [issued.digest])
          return { apiKey, key: issued.key }
        },
        sql.withTransaction,
        Effect.catchTag("SqlError", Effect.die),
      )

      const revoke = Effect.fn("ApiKeys.revoke")(
        function* (applicationId: ApplicationId, id: ApiKeyId) {
          const revoked = yield* store.revoke(applicationId, id)
          if (Option.isSome(revoked)) yield* routes.announce(applicationId, [revoked.value])
          else if (!(yield* store.exists(applicationId, id))) return yield* new ApiKeyNotFound({ id })
          return Option.isSome(revoked)
        },
        sql.withTransaction,
        Effect.catchTag("SqlError", Effect.die),
      )

      return ApiKeys.of({ list: store.list, create, revoke })
    }),
  )
}
