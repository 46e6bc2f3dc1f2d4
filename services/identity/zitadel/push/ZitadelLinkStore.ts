/** Rows of `zitadel_links`: who is who. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { DatabaseFailed } from "../../database/DatabaseFailed.ts"
import { orDatabaseFailed } from "../../database/TransactionStore.ts"
import type { UserId } from "../../users/User.ts"
import type { UserPlace } from "../management/Users.ts"

export class ZitadelLinkStore extends Context.Service<
  ZitadelLinkStore,
  {
    readonly find: (id: UserId) => Effect.Effect<Option.Option<UserPlace>, DatabaseFailed>
    /** False: that person of Zitadel is somebody else of ours. */
    readonly link: (id: UserId, place: UserPlace) => Effect.Effect<boolean, DatabaseFailed>
    readonly unlink: (id: UserId) => Effect.Effect<void, DatabaseFailed>
  }
>()("identity/ZitadelLinkStore") {
  static readonly layer = Layer.effect(
    ZitadelLinkStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const found = (id: UserId) => sql<{ readonly zitadelUserId: string; readonly organizationId: string }>`
        SELECT zitadel_user_id, organization_id FROM zitadel_links WHERE user_id = ${id}::uuid`

      return ZitadelLinkStore.of({
        find: (id) =>
          orDatabaseFailed(
            Effect.map(found(id), ([row]) =>
              row === undefined
                ? Option.none()
                : Option.some({ id: row.zitadelUserId, organization: row.organizationId }),
            ),
          ),
        link: (id, place) =>
          orDatabaseFailed(
            Effect.gen(function* () {
              yield* sql`
                INSERT INTO zitadel_links (user_id, zitadel_user_id, organization_id)
                VALUES (${id}::uuid, ${place.id}, ${place.organization})
                ON CONFLICT DO NOTHING`
              // Somebody who was faster with the same link is as good.
              return (yield* found(id)).some(({ zitadelUserId }) => zitadelUserId === place.id)
            }),
          ),
        unlink: (id) => orDatabaseFailed(Effect.asVoid(sql`DELETE FROM zitadel_links WHERE user_id = ${id}::uuid`)),
      })
    }),
  )
}
