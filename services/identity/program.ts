/** The layers of each role over the one domain beneath both. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Passwords } from "#shared/crypto/Password.ts"
import { Sealer } from "#shared/crypto/Sealer.ts"
import { Outbox } from "#shared/events/Outbox.ts"
import * as Database from "#shared/postgres/Database.ts"
import * as Recording from "#shared/recording/Recording.ts"
import type { Readiness } from "#shared/runtime/Readiness.ts"
import { SecurityEventStore } from "./audit/SecurityEventStore.ts"
import { SecurityEvents } from "./audit/SecurityEvents.ts"
import * as SecurityLog from "./audit/SecurityLog.ts"
import type { IdentityConfig } from "./Config.ts"
import * as Credentials from "./credentials/layers.ts"
import { TransactionStore } from "./database/TransactionStore.ts"
import { IdentityEvents } from "./events/IdentityEvents.ts"
import type { Queue } from "./events/queue.ts"
import * as InstanceRpc from "./InstanceRpc.ts"
import * as NovaRpc from "./NovaRpc.ts"
import * as Organizations from "./organizations/layers.ts"
import * as Privacy from "./privacy/layers.ts"
import { SessionStore } from "./sessions/SessionStore.ts"
import { Sessions } from "./sessions/Sessions.ts"
import * as Authorize from "./tenant/authorize.ts"
import { AccessTokens } from "./tokens/AccessTokens.ts"
import { SigningKeyStore } from "./tokens/SigningKeyStore.ts"
import { SigningKeys } from "./tokens/SigningKeys.ts"
import { UserCopies } from "./users/UserCopies.ts"
import { UserStore } from "./users/UserStore.ts"
import { Users } from "./users/Users.ts"
import { ClaimsCache } from "./zitadel/ClaimsCache.ts"

const stores = Layer.mergeAll(TransactionStore.layer, UserStore.layer, SessionStore.layer, SigningKeyStore.layer)

/** The record of calls is kept in the database that they change. */
const recording = (config: IdentityConfig) =>
  Layer.merge(Recording.layer.pipe(Layer.provide(SecurityLog.layer)), SecurityEvents.layer(config)).pipe(
    Layer.provide(SecurityEventStore.layer),
  )

const domain = (config: IdentityConfig, queue: Option.Option<Queue>, copies: CopiesLayer) =>
  Layer.mergeAll(Users.layer, Privacy.layer).pipe(
    Layer.provideMerge(Organizations.layer(config)),
    Layer.provideMerge(Credentials.layer(config)),
    Layer.provideMerge(Sessions.layer),
    Layer.provideMerge(copies),
    Layer.provide(AccessTokens.layer(config)),
    Layer.provideMerge(SigningKeys.layer(config.issuer)),
    Layer.merge(recording(config)),
    Layer.provide([Passwords.layer, Sealer.layerConfig, events(queue)]),
    Layer.provide(stores),
  )

const events = (queue: Option.Option<Queue>) =>
  Option.match(queue, {
    onNone: () => IdentityEvents.layerNone,
    onSome: ({ publishing }) => Layer.merge(Layer.provide(IdentityEvents.layer, Outbox.layer), publishing),
  })

type CopiesLayer = Layer.Layer<ClaimsCache | UserCopies, never, Readiness | TransactionStore>

const noCopies: CopiesLayer = Layer.merge(ClaimsCache.layerNone, UserCopies.layerNone)

/** Claims are kept where there is a Redis, the code for which is loaded only there. An instance has no claims. */
const copiesOf = (config: IdentityConfig): Effect.Effect<CopiesLayer> => {
  if (config.role === "instance" || Option.isNone(config.redisUrl)) return Effect.succeed(noCopies)
  const { value: url } = config.redisUrl
  const options = { freshFor: config.claimsCacheTtl }
  return Effect.map(
    Effect.promise(() => import("./zitadel/redis.ts")),
    ({ redisCache }) => redisCache(url, options),
  )
}

/** Follows what happens to accounts with notes in Zitadel, the code for which is loaded only where it can be told. */
const notesOf = (config: IdentityConfig) => {
  if (config.role === "instance" || Option.isNone(config.zitadel)) return Effect.succeed(Layer.empty)
  const { url, credentials } = config.zitadel.value
  if (Option.isNone(credentials)) {
    return Effect.as(Effect.logWarning("ZITADEL_URL without a token: no claims are noted in Zitadel"), Layer.empty)
  }
  const settings = { url, credentials: credentials.value }
  return Effect.map(
    Effect.promise(() => import("./zitadel/push/layers.ts")),
    ({ claimsInZitadel }) => claimsInZitadel(settings),
  )
}

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
    Effect.map(Effect.all([queueOf(config), copiesOf(config), notesOf(config)]), ([queue, copies, notes]) => {
      const kept = database(config)
      const operations = Option.match(queue, {
        onNone: () => Layer.empty,
        onSome: (connected) => Layer.provide(connected.operations, kept),
      })
      const noting = Option.match(queue, {
        onNone: () => Layer.empty,
        onSome: (connected) => Layer.provide(connected.consuming(notes), kept),
      })
      const overAll = <A, E, R>(face: Layer.Layer<A, E, R>) =>
        face.pipe(Layer.provide(Authorize.layer), Layer.provide(domain(config, queue, copies)), Layer.provide(kept))
      return config.role === "nova"
        ? Layer.merge(overAll(NovaRpc.layer(config, operations)), noting)
        : overAll(InstanceRpc.layer(config))
    }),
  )
