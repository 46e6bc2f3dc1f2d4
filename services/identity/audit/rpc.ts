/** authsome.identity.v1.TenantAuditService: what happened to the accounts of an instance. */
import { timestampMs } from "@bufbuild/protobuf/wkt"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { TenantAuditService } from "#gen/authsome/identity/v1/tenant_audit_pb.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { refuse } from "../proto.ts"
import { pageOf } from "../users/Page.ts"
import { fromPublicUserId } from "../users/proto.ts"
import { toAuditEvent } from "./proto.ts"
import { SecurityEvents } from "./SecurityEvents.ts"

export const layer = Handlers.layer(
  TenantAuditService,
  Effect.gen(function* () {
    const events = yield* SecurityEvents

    return {
      listAuditEvents: Effect.fnUntraced(function* ({ userId: text, action, since: from, ...request }) {
        const page = pageOf(request)
        const named = yield* Effect.option(fromPublicUserId(text))
        // Nothing ever happened to somebody who cannot be.
        if (text !== "" && Option.isNone(named)) return { ...page, total: 0, data: [] }
        const since = from === undefined ? undefined : DateTime.makeUnsafe(timestampMs(from))
        const found = yield* events.list({ userId: Option.getOrUndefined(named), action, since }, page)
        return { ...page, total: found.total, data: found.data.map(toAuditEvent) }
      }, Effect.catch(refuse)),
    }
  }),
)
