/** authsome.identity.v1.TenantOrganizationService: its turn has not come. */
import * as Effect from "effect/Effect"
import { TenantOrganizationService } from "#gen/authsome/identity/v1/organization_pb.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { pending } from "../../pending.ts"

export const layer = Handlers.layer(TenantOrganizationService, Effect.succeed({}), pending.TenantOrganizationService)
