/** The part of authsome.identity.v1.IdentityService that is about people's rights in their data. */
import * as Effect from "effect/Effect"
import type { IdentityService } from "#gen/authsome/identity/v1/identity_service_pb.ts"
import { changed, unchanged } from "#shared/rpc/Change.ts"
import type * as Handlers from "#shared/rpc/Handlers.ts"
import { refuse } from "../proto.ts"
import { toTimestamp, userIdOf } from "../users/proto.ts"
import type { Erasure } from "./Erasure.ts"
import { Erasures } from "./Erasures.ts"
import { Exports } from "./Exports.ts"
import { toExport } from "./proto.ts"

type Names = "exportUserData" | "eraseUser"

/** The record of an erasure does not name the person either. */
export const erased = ({ pseudonym }: Erasure) =>
  pseudonym === undefined ? unchanged : changed({ type: "erasedUser", id: pseudonym })

export const handlers = Effect.gen(function* () {
  const personalData = yield* Exports
  const erasures = yield* Erasures

  const made: Pick<Handlers.Handlers<typeof IdentityService>, Names> = {
    exportUserData: ({ userId }) =>
      personalData.everything(userIdOf(userId)).pipe(
        Effect.map((everything) => ({ data: toExport(everything) })),
        Effect.catch(refuse),
      ),

    eraseUser: ({ userId }) =>
      erasures.erase(userIdOf(userId)).pipe(
        Effect.tap(erased),
        Effect.map(({ erasedAt }) => ({ erasedAt: toTimestamp(erasedAt) })),
        Effect.catch(refuse),
      ),
  }
  return made
})
