/** Rows of `credentials`: the sealed secrets of instances. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { ApplicationId } from "./Application.ts"

/** Each text is sealed for its place. */
export interface SealedCredentials {
  readonly databasePassword: string
  readonly redisPassword: string
  readonly sealingKeys: string
}

export class CredentialStore extends Context.Service<
  CredentialStore,
  {
    readonly find: (id: ApplicationId) => Effect.Effect<Option.Option<SealedCredentials>, SqlError>
    /** Keeps what is there, if anything is. */
    readonly insert: (id: ApplicationId, credentials: SealedCredentials) => Effect.Effect<void, SqlError>
    readonly remove: (id: ApplicationId) => Effect.Effect<void, SqlError>
  }
>()("provisioner/CredentialStore") {
  static readonly layer = Layer.effect(
    CredentialStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      return CredentialStore.of({
        find: (id) =>
          Effect.map(
            sql<SealedCredentials>`
              SELECT database_password, redis_password, sealing_keys FROM credentials WHERE application_id = ${id}`,
            ([row]) => Option.fromUndefinedOr(row),
          ),
        insert: (id, credentials) =>
          Effect.asVoid(sql`
            INSERT INTO credentials ${sql.insert({ applicationId: id, ...credentials })} ON CONFLICT DO NOTHING`),
        remove: (id) => Effect.asVoid(sql`DELETE FROM credentials WHERE application_id = ${id}`),
      })
    }),
  )
}
