/** authsome.control.v1.AuditService: message in, use case, message out. */
import type { Timestamp } from "@bufbuild/protobuf/wkt"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { AuditService } from "#gen/authsome/control/v1/audit_event_pb.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { invalidFields } from "#shared/rpc/PublicError.ts"
import { pageOf } from "../Page.ts"
import { fromTimestamp } from "../timestamp.ts"
import { workspaceNotFound } from "../workspaces/rpc.ts"
import { WorkspaceId } from "../workspaces/Workspace.ts"
import { AuditEvents } from "./AuditEvents.ts"
import { toAuditEvent } from "./proto.ts"

export const layer = Handlers.layer(
  AuditService,
  Effect.gen(function* () {
    const events = yield* AuditEvents
    return {
      listAuditEvents: Effect.fnUntraced(
        function* (request) {
          const filter = {
            actorId: Option.fromUndefinedOr(request.actorId),
            action: Option.fromUndefinedOr(request.action),
            resourceId: Option.fromUndefinedOr(request.targetId),
            since: yield* timeOf("since", request.since),
            until: yield* timeOf("until", request.until),
          }
          const found = yield* events.list(WorkspaceId.make(request.workspaceId), filter, pageOf(request))
          return { ...found, data: found.data.map(toAuditEvent) }
        },
        Effect.catchTag("WorkspaceNotFound", () => workspaceNotFound),
      ),
    }
  }),
)

const timeOf = (field: string, time: Timestamp | undefined) => {
  const read = Option.map(Option.fromUndefinedOr(time), fromTimestamp)
  return Option.isSome(read) && Option.isNone(read.value)
    ? Effect.fail(invalidFields([{ field, description: "is no time" }]))
    : Effect.succeed(Option.flatten(read))
}
