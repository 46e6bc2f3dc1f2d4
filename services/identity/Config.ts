/** What the identity program is told: which of its two roles it plays, and with what. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { type ServerConfig, serverConfig } from "#shared/rpc/ServerConfig.ts"
import { databaseUrl, natsUrl, redactedUrl, redisUrl } from "#shared/runtime/EnvConfig.ts"

interface Common {
  readonly server: ServerConfig
  readonly databaseUrl: Redacted.Redacted<string>
  readonly maxConnections: number
  /** Keys of backend services. Empty: nobody calls by gRPC. */
  readonly meshKeys: ReadonlyArray<Redacted.Redacted<string>>
  /** In whose name tokens are made (`iss`), and for whom (`aud`). */
  readonly issuer: string
  readonly audience: string
  /** None: events are not kept, since nobody could read them. */
  readonly natsUrl: Option.Option<Redacted.Redacted<string>>
  /** For what is kept in front of the database, which is nothing yet; a malformed one is refused all the same. */
  readonly redisUrl: Option.Option<Redacted.Redacted<string>>
  /** For mails to users, of which there are none yet; a malformed one is refused all the same. */
  readonly smtpUrl: Option.Option<Redacted.Redacted<string>>
}

/** Nova's identity service, which answers Zitadel. */
export interface NovaConfig extends Common {
  readonly role: "nova"
  /** Keys of Zitadel. Empty: it is refused, fail closed. */
  readonly zitadelKeys: ReadonlyArray<Redacted.Redacted<string>>
}

/** The auth server of one customer's application. */
export interface InstanceConfig extends Common {
  readonly role: "instance"
  readonly applicationId: string
}

export type IdentityConfig = NovaConfig | InstanceConfig

/** One key, or two separated by a comma while one replaces the other. None where the variable is unset or empty. */
const keys = (name: string): Config.Config<ReadonlyArray<Redacted.Redacted<string>>> =>
  Config.String(name).pipe(
    Config.withDefault(""),
    Config.map((text) =>
      text
        .split(",")
        .map((key) => key.trim())
        .filter((key) => key !== "")
        .map((key) => Redacted.make(key, { label: name })),
    ),
  )

const applicationId = Config.schema(
  Schema.String.check(Schema.isPattern(/^app_[a-z0-9]{1,40}$/, { expected: "an id that begins with app_" })),
  "APPLICATION_ID",
)

const common = (defaults: { readonly issuer: string; readonly maxConnections: number }) =>
  Config.all({
    server: serverConfig({ http: 8081, grpc: 9081 }),
    databaseUrl,
    maxConnections: Config.Int("DATABASE_MAX_CONNECTIONS").pipe(Config.withDefault(defaults.maxConnections)),
    meshKeys: keys("INTERNAL_GRPC_API_KEY"),
    issuer: Config.NonEmptyString("ISSUER").pipe(Config.withDefault(defaults.issuer)),
    redisUrl: Config.option(redisUrl),
    smtpUrl: Config.option(redactedUrl("SMTP_URL", ["smtp", "smtps"])),
  })

const nova = Effect.gen(function* () {
  const shared = yield* common({ issuer: "nova-identity", maxConnections: 10 })
  const nats = yield* natsUrl
  const zitadelKeys = yield* keys("INTERNAL_API_KEY")
  return { ...shared, role: "nova", audience: "nova", natsUrl: Option.some(nats), zitadelKeys } as const
})

const instance = Effect.gen(function* () {
  const id = yield* applicationId
  const shared = yield* common({ issuer: id, maxConnections: 5 })
  return {
    ...shared,
    role: "instance",
    audience: id,
    applicationId: id,
    natsUrl: yield* Config.option(natsUrl),
  } as const
})

/**
 * Reads IDENTITY_ROLE and what its role needs. `KEY_IDENTITY_PUBLIC_KEY` and `SEALING_KEYS` are read by the layers that
 * are made of them.
 */
export const identityConfig: Effect.Effect<IdentityConfig, Config.ConfigError> = Effect.flatMap(
  Config.Literals(["nova", "instance"], "IDENTITY_ROLE"),
  (role): Effect.Effect<IdentityConfig, Config.ConfigError> => (role === "nova" ? nova : instance),
)
