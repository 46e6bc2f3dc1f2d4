/** Rows of `security_audit_log`. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as SqlSchema from "effect/sql/SqlSchema"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { orDatabaseFailed } from "../database/TransactionStore.ts"
import type { Page } from "../users/Page.ts"
import { SecurityEvent, type SecurityEventFilter } from "./SecurityEvent.ts"

export interface NewSecurityEvent {
  readonly id: string
  readonly action: string
  /** The person it happened to; null: nobody that is known. */
  readonly userId: string | null
  /** What stands for a person who is erased by it; null: nobody is. */
  readonly pseudonym: string | null
  /** The API key, or else the program, that called; null: none. */
  readonly keyId: string | null
  readonly peer: string | null
  /** Empty: not known. */
  readonly ipAddress: string
  readonly userAgent: string
  readonly requestId: string
  readonly details: object
}

export class SecurityEventStore extends Context.Service<
  SecurityEventStore,
  {
    readonly insert: (event: NewSecurityEvent) => Effect.Effect<void, SqlError>
    /** The newest first. */
    readonly list: (
      filter: SecurityEventFilter,
      page: Page,
    ) => Effect.Effect<ReadonlyArray<SecurityEvent>, DatabaseFailed>
    readonly count: (filter: SecurityEventFilter) => Effect.Effect<number, DatabaseFailed>
    /** Deletes what happened longer ago. */
    readonly sweep: (olderThan: Duration.Duration) => Effect.Effect<void, DatabaseFailed>
  }
>()("identity/SecurityEventStore") {
  static readonly layer = Layer.effect(
    SecurityEventStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient

      const matches = ({ userId, action, since }: SecurityEventFilter) => {
        const from = since === undefined ? null : DateTime.formatIso(since)
        return sql`(${userId ?? null}::uuid IS NULL OR user_id = ${userId ?? null}::uuid)
          AND (${action} = '' OR action = ${action})
          AND (${from}::timestamptz IS NULL OR occurred_at >= ${from}::timestamptz)`
      }

      const list = SqlSchema.findAll({
        Request: Schema.Any,
        Result: SecurityEvent,
        execute: ({
          filter,
          page: { page, pageSize },
        }: {
          readonly filter: SecurityEventFilter
          readonly page: Page
        }) => sql`
          SELECT id, action, user_id, pseudonym, key_id, ip_address, user_agent, request_id, occurred_at
          FROM security_audit_log WHERE ${matches(filter)}
          ORDER BY occurred_at DESC, id DESC
          LIMIT ${pageSize}::int OFFSET ${(page - 1) * pageSize}::int`,
      })

      return SecurityEventStore.of({
        insert: ({ id, action, userId, pseudonym, keyId, peer, ipAddress, userAgent, requestId, details }) =>
          Effect.asVoid(sql`
            INSERT INTO security_audit_log (id, action, user_id, pseudonym, key_id, peer, ip_address, user_agent,
              request_id, details)
            VALUES (${id}::uuid, ${action}, ${userId}::uuid, ${pseudonym}::text, ${keyId}::text, ${peer}::text,
              ${ipAddress}, ${userAgent}, ${requestId}, ${JSON.stringify(details)}::text::jsonb)`),
        list: (filter, page) => orDatabaseFailed(list({ filter, page })),
        count: (filter) =>
          orDatabaseFailed(
            Effect.map(
              sql<{ readonly count: number }>`
                SELECT count(*)::int AS count FROM security_audit_log WHERE ${matches(filter)}`,
              ([row]) => row?.count ?? 0,
            ),
          ),
        sweep: (olderThan) =>
          orDatabaseFailed(
            Effect.asVoid(sql`
              DELETE FROM security_audit_log
              WHERE occurred_at < now() - make_interval(secs => ${Duration.toSeconds(olderThan)}::float8)`),
          ),
      })
    }),
  )
}
