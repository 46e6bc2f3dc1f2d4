/** Rows of `security_audit_log`. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

export interface NewSecurityEvent {
  readonly id: string
  readonly action: string
  /** The person it happened to; null: nobody that is known. */
  readonly userId: string | null
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
  { readonly insert: (event: NewSecurityEvent) => Effect.Effect<void, SqlError> }
>()("identity/SecurityEventStore") {
  static readonly layer = Layer.effect(
    SecurityEventStore,
    Effect.map(SqlClient.SqlClient, (sql) =>
      SecurityEventStore.of({
        insert: ({ id, action, userId, keyId, peer, ipAddress, userAgent, requestId, details }) =>
          Effect.asVoid(sql`
            INSERT INTO security_audit_log (id, action, user_id, key_id, peer, ip_address, user_agent, request_id, details)
            VALUES (${id}::uuid, ${action}, ${userId}::uuid, ${keyId}::text, ${peer}::text, ${ipAddress}, ${userAgent},
              ${requestId}, ${JSON.stringify(details)}::text::jsonb)`),
      }),
    ),
  )
}
