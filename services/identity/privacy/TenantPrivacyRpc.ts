/** The part of authsome.identity.v1.TenantUserService that is about people's rights in their data. */
import * as Effect from "effect/Effect"
import type { TenantUserService } from "#gen/authsome/identity/v1/tenant_user_pb.ts"
import type * as Handlers from "#shared/rpc/Handlers.ts"
import { refuse } from "../proto.ts"
import { endUser } from "../tenant/rpc.ts"
import { fromPublicUserId } from "../users/proto.ts"
import { Erasures } from "./Erasures.ts"
import { Exports } from "./Exports.ts"
import { erased } from "./IdentityPrivacyRpc.ts"
import { toPublicExport } from "./proto.ts"

type Names = "deleteEndUser" | "exportEndUserData" | "exportOwnData"

export const handlers = Effect.gen(function* () {
  const personalData = yield* Exports
  const erasures = yield* Erasures

  const made: Pick<Handlers.Handlers<typeof TenantUserService>, Names> = {
    deleteEndUser: ({ userId }) =>
      fromPublicUserId(userId).pipe(
        Effect.flatMap(erasures.eraseUnlessLastOwner),
        Effect.tap(erased),
        Effect.as({}),
        Effect.catch(refuse),
      ),

    exportEndUserData: ({ userId }) =>
      fromPublicUserId(userId).pipe(
        Effect.flatMap(personalData.everything),
        Effect.map((everything) => ({ data: toPublicExport(everything) })),
        Effect.catch(refuse),
      ),

    exportOwnData: Effect.fnUntraced(function* () {
      const { userId } = yield* endUser
      return { data: toPublicExport(yield* personalData.everything(userId)) }
    }, Effect.catch(refuse)),
  }
  return made
})
