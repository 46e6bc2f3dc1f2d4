/** The layers of each role over the one domain beneath both. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import { Passwords } from "#shared/crypto/Password.ts"
import { Sealer } from "#shared/crypto/Sealer.ts"
import { Outbox } from "#shared/events/Outbox.ts"
import * as Database from "#shared/postgres/Database.ts"
import type { IdentityConfig } from "./Config.ts"
import { CredentialStore } from "./credentials/CredentialStore.ts"
import { Credentials } from "./credentials/Credentials.ts"
import { TransactionStore } from "./database/TransactionStore.ts"
import { IdentityEvents } from "./events/IdentityEvents.ts"
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

const domain = (config: IdentityConfig) =>
  Layer.mergeAll(Users.layer, Credentials.layer).pipe(
    Layer.provideMerge(Sessions.layer),
    Layer.provide(AccessTokens.layer(config)),
    Layer.provideMerge(SigningKeys.layer(config.issuer)),
    Layer.provide([Passwords.layer, Sealer.layerConfig, events(config.natsUrl)]),
    Layer.provide(stores),
    Layer.provide(
      Database.layer({
        url: config.databaseUrl,
        applicationName: `identity ${config.role}`,
        maxConnections: config.maxConnections,
      }),
    ),
  )

/** Only who has a queue pays for the code that talks to it. */
const events = (natsUrl: Option.Option<Redacted.Redacted<string>>) =>
  Option.match(natsUrl, {
    onNone: () => IdentityEvents.layerNone,
    onSome: (url) =>
      Layer.unwrap(
        Effect.map(
          Effect.promise(() => import("./events/publishing.ts")),
          ({ publishing }) => Layer.merge(Layer.provide(IdentityEvents.layer, Outbox.layer), publishing(url)),
        ),
      ),
  })

/** The program in the role that its configuration names. */
export const program = (config: IdentityConfig) =>
  (config.role === "nova" ? NovaRpc.layer(config) : InstanceRpc.layer(config)).pipe(
    Layer.provide(Authorize.layer),
    Layer.provide(domain(config)),
  )
