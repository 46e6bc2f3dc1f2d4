/** authsome.control.v1.MemberService: message in, store, message out. */
import * as Effect from "effect/Effect"
import { MemberService } from "#gen/authsome/control/v1/member_pb.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { pending } from "../../pending.ts"
import { pageOf } from "../Page.ts"
import { WorkspaceId } from "../workspaces/Workspace.ts"
import { MemberStore } from "./MemberStore.ts"
import { statuses, toMember } from "./proto.ts"

export const layer = Handlers.layer(
  MemberService,
  Effect.gen(function* () {
    const members = yield* MemberStore
    return {
      listMembers: Effect.fnUntraced(function* (request) {
        const id = WorkspaceId.make(request.workspaceId)
        const found = yield* members.list(id, statuses.fromProto(request.status), pageOf(request))
        return { ...found, data: found.data.map(toMember) }
      }),
    }
  }),
  pending.MemberService,
)
