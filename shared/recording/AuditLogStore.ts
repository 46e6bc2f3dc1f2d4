/** Appends to the table `audit_events`, for services that have no other place for their audit log. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import { newId } from "../ids/Id.ts"
import { AuditLog } from "./AuditLog.ts"

export const layer: Layer.Layer<AuditLog, never, SqlClient.SqlClient> = Layer.effect(
  AuditLog,
  Effect.map(SqlClient.SqlClient, (sql) =>
    AuditLog.of({
      append: Effect.fnUntraced(function* ({ action, rpc, actor, container, resource, details, origin, call }) {
        const id = yield* newId("aud")
        yield* sql`
          INSERT INTO audit_events (id, action, rpc, actor_kind, actor_id, container_id, resource_type, resource_id,
            details, request_id, remote_address)
          VALUES (${id}, ${action}, ${rpc}, ${actor.kind}, ${actor.id}, ${container ?? null}, ${resource.type},
            ${resource.id}, ${JSON.stringify(details)}::text::jsonb, ${call.requestId},
            ${origin?.ipAddress ?? call.remoteAddress})`
      }),
    }),
  ),
)
