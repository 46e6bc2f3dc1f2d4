/** The layers of each role over the one domain beneath both. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Passwords } from "#shared/crypto/Password.ts"
import { Sealer } from "#shared/crypto/Sealer.ts"
import { Outbox } from "#shared/events/Outbox.ts"
import * as Database from "#shared/postgres/Database.ts"
import * as Recording from "#shared/recording/Recording.ts"
import { SecurityEventStore } from "./audit/SecurityEventStore.ts"
import * as SecurityLog from "./audit/SecurityLog.ts"
import type { IdentityConfig } from "./Config.ts"
import { CredentialStore } from "./credentials/CredentialStore.ts"
import { Credentials } from "./credentials/Credentials.ts"
import { TransactionStore } from "./database/TransactionStore.ts"
import { IdentityEvents } from "./events/IdentityEvents.ts"
import type { Queue } from "./events/queue.ts"
import * as InstanceRpc from "./InstanceRpc.ts"
import * as NovaRpc from "./NovaRpc.ts"
import { SessionStore } from "./sessions/SessionStore.ts"
import { Sessions } from "./sessions/Sessions.ts"
import * as Authorize from "./tenant/authorize.ts"
import { AccessTokens } from "./tokens/AccessTokens.ts"
import { SigningKeyStore } from "./tokens/SigningKeyStore.ts"
import { SigningKeys } from "./tokens/SigningKeys.ts"
import { UserStore } from "./users/UserStore.ts"
import { Users } from "./users/Users.ts"

const stores = Layer.mergeAll(
  TransactionStore.layer,
  UserStore.layer,
  CredentialStore.layer,
  SessionStore.layer,
  SigningKeyStore.layer,
)

/** The record of calls is kept in the database that they change. */
const recording = Recording.layer.pipe(Layer.provide(SecurityLog.layer), Layer.provide(SecurityEventStore.layer))

const domain = (config: IdentityConfig, queue: Option.Option<Queue>) =>
  Layer.mergeAll(Users.layer, Credentials.layer).pipe(
    Layer.provideMerge(Sessions.layer),
    Layer.provide(AccessTokens.layer(config)),
    Layer.provideMerge(SigningKeys.layer(config.issuer)),
    Layer.merge(recording),
    Layer.provide([Passwords.layer, Sealer.layerConfig, events(queue)]),
    Layer.provide(stores),
  )

const events = (queue: Option.Option<Queue>) =>
  Option.match(queue, {
    onNone: () => IdentityEvents.layerNone,
    onSome: ({ publishing }) => Layer.merge(Layer.provide(IdentityEvents.layer, Outbox.layer), publishing),
  })

/** Only who has a queue pays for the code that talks to it. */
const queueOf = ({ natsUrl }: IdentityConfig): Effect.Effect<Option.Option<Queue>> =>
  Option.match(natsUrl, {
    onNone: () => Effect.succeedNone,
    onSome: (url) =>
      Effect.map(
        Effect.promise(() => import("./events/queue.ts")),
        ({ queue }) => Option.some(queue(url)),
      ),
  })

const database = (config: IdentityConfig) =>
  Database.layer({
    url: config.databaseUrl,
    applicationName: `identity ${config.role}`,
    maxConnections: config.maxConnections,
  })

/** The program in the role that its configuration names. */
export const program = (config: IdentityConfig) =>
  Layer.unwrap(
    Effect.map(queueOf(config), (queue) => {
      const kept = database(config)
      const operations = Option.match(queue, {
        onNone: () => Layer.empty,
        onSome: (connected) => Layer.provide(connected.operations, kept),
      })
      return (config.role === "nova" ? NovaRpc.layer(config, operations) : InstanceRpc.layer(config)).pipe(
        Layer.provide(Authorize.layer),
        Layer.provide(domain(config, queue)),
        Layer.provide(kept),
      )
    }),
  )
