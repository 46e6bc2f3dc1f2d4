/** Rows of `api_keys`, of which the whole key is never one. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import type { ApplicationId } from "../applications/Application.ts"
import { offsetOf, type Page, type Paged } from "../Page.ts"
import { all, count, first, only, run } from "../rows.ts"
import type { UserId } from "../users/User.ts"
import { ApiKey, type ApiKeyId, type KeyDraft } from "./ApiKey.ts"
import type { IssuedKey } from "./IssuedKey.ts"

export interface NewApiKey extends KeyDraft {
  readonly applicationId: ApplicationId
  readonly issued: IssuedKey
  /** The whole key, where it is public and its application shows it. */
  readonly publicKey: string | null
  readonly createdBy: UserId | null
}

export interface KeyUse {
  readonly keyId: string
  readonly lastUsedAt: DateTime.Utc
}

const Digest = Schema.Struct({ digest: Schema.Uint8Array })

export class ApiKeyStore extends Context.Service<
  ApiKeyStore,
  {
    readonly insert: (key: NewApiKey) => Effect.Effect<ApiKey>
    /** Those that are not revoked, newest first. */
    readonly list: (applicationId: ApplicationId, page: Page) => Effect.Effect<Paged<ApiKey>>
    readonly count: (applicationId: ApplicationId) => Effect.Effect<number>
    readonly exists: (applicationId: ApplicationId, id: ApiKeyId) => Effect.Effect<boolean>
    /** Revokes a key; its digest, or none where it is revoked already. */
    readonly revoke: (applicationId: ApplicationId, id: ApiKeyId) => Effect.Effect<Option.Option<Uint8Array>>
    /** Moves the times of last use forward, in one statement; never back. */
    readonly noteUses: (uses: ReadonlyArray<KeyUse>) => Effect.Effect<void>
  }
>()("control-plane/ApiKeyStore") {
  static readonly layer = Layer.effect(
    ApiKeyStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const keys = all(ApiKey)
      const key = only(ApiKey)
      const digest = first(Digest)
      const columns = sql.literal(`
        id, application_id, name, type, masked, scopes, allowed_origins, expires_at, last_used_at, created_at, created_by`)
      const working = (id: ApplicationId) => sql`application_id = ${id} AND revoked_at IS NULL`
      const countOf = (id: ApplicationId) =>
        Effect.map(count(sql`SELECT count(*)::int AS count FROM api_keys WHERE ${working(id)}`), ({ count }) => count)

      return ApiKeyStore.of({
        insert: ({ applicationId, issued, publicKey, name, scopes, allowedOrigins, expiresAt, createdBy }) =>
          key(sql`
            INSERT INTO api_keys (id, application_id, name, type, digest, masked, public_key, scopes, allowed_origins,
              expires_at, created_by)
            VALUES (${issued.id}, ${applicationId}, ${name}, ${issued.type}, ${issued.digest}, ${issued.masked},
              ${publicKey}, ${scopes}::text[], ${allowedOrigins}::text[],
              ${expiresAt === null ? null : DateTime.toDateUtc(expiresAt)}, ${createdBy})
            RETURNING ${columns}`),
        list: Effect.fnUntraced(function* (id, page) {
          const data = yield* keys(sql`
            SELECT ${columns} FROM api_keys WHERE ${working(id)}
            ORDER BY created_at DESC, id DESC LIMIT ${page.pageSize} OFFSET ${offsetOf(page)}`)
          return { ...page, total: yield* countOf(id), data }
        }),
        count: countOf,
        exists: (applicationId, id) =>
          Effect.map(
            count(sql`
              SELECT count(*)::int AS count FROM api_keys WHERE id = ${id} AND application_id = ${applicationId}`),
            ({ count }) => count > 0,
          ),
        revoke: (applicationId, id) =>
          Effect.map(
            digest(sql`
              UPDATE api_keys SET revoked_at = now(), public_key = NULL WHERE id = ${id} AND ${working(applicationId)}
              RETURNING digest`),
            Option.map((row) => row.digest),
          ),
        noteUses: (uses) =>
          run(sql`
            UPDATE api_keys AS key SET last_used_at = greatest(key.last_used_at, used.last_used_at)
            FROM (
              SELECT id, max(at) AS last_used_at
              FROM unnest(${uses.map(({ keyId }) => keyId)}::text[],
                ${uses.map(({ lastUsedAt }) => DateTime.toDateUtc(lastUsedAt))}::timestamptz[]) AS use (id, at)
              GROUP BY id
            ) AS used
            WHERE key.id = used.id`),
      })
    }),
  )
}
