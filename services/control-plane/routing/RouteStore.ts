/** The one read behind every verdict. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import type { ApplicationId } from "../applications/Application.ts"
import { first } from "../rows.ts"
import { type Found, RouteApplication, RouteKey } from "./Route.ts"

/** The key's columns are all null where no key was found. */
const Row = Schema.Struct({
  ...RouteApplication.fields,
  keyId: Schema.NullOr(RouteKey.fields.id),
  keyType: Schema.NullOr(RouteKey.fields.type),
  keyScopes: Schema.NullOr(RouteKey.fields.scopes),
  keyAllowedOrigins: Schema.NullOr(RouteKey.fields.allowedOrigins),
  keyExpiresAt: RouteKey.fields.expiresAt,
})

export class RouteStore extends Context.Service<
  RouteStore,
  {
    /** The application, and its key of this digest if that works now. By two unique indexes. */
    readonly find: (id: ApplicationId, keyDigest: Uint8Array) => Effect.Effect<Option.Option<Found>>
  }
>()("control-plane/RouteStore") {
  static readonly layer = Layer.effect(
    RouteStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const row = first(Row)
      return RouteStore.of({
        find: (id, keyDigest) =>
          Effect.map(
            row(sql`
              SELECT application.id, application.workspace_id, workspace.plan, application.status,
                application.status_reason, application.environment, application.region, application.instance_url,
                application.version, key.id AS key_id, key.type AS key_type, key.scopes AS key_scopes,
                key.allowed_origins AS key_allowed_origins, key.expires_at AS key_expires_at
              FROM applications AS application
              JOIN workspaces AS workspace ON workspace.id = application.workspace_id
              LEFT JOIN api_keys AS key ON key.digest = ${keyDigest} AND key.application_id = application.id
                AND key.revoked_at IS NULL AND (key.expires_at IS NULL OR key.expires_at > now())
              WHERE application.id = ${id}`),
            Option.map(toFound),
          ),
      })
    }),
  )
}

const toFound = ({
  keyId,
  keyType,
  keyScopes,
  keyAllowedOrigins,
  keyExpiresAt,
  ...application
}: typeof Row.Type): Found => ({
  application,
  key:
    keyId === null || keyType === null
      ? undefined
      : {
          id: keyId,
          type: keyType,
          scopes: keyScopes ?? [],
          allowedOrigins: keyAllowedOrigins ?? [],
          expiresAt: keyExpiresAt,
        },
})
