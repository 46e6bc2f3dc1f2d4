/** authsome.identity.v1.TenantAuditService: its turn has not come. */
import * as Effect from "effect/Effect"
import { TenantAuditService } from "#gen/authsome/identity/v1/tenant_audit_pb.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { pending } from "../../pending.ts"

export const layer = Handlers.layer(TenantAuditService, Effect.succeed({}), pending.TenantAuditService)
