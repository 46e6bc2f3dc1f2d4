/** What the identity program is told: which of its two roles it plays, and with what. */
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { type Rates, rates } from "#shared/rpc/limits/Rates.ts"
import { type MeshIdentity, meshIdentity, meshIdentityIfAny } from "#shared/rpc/MeshIdentity.ts"
import { type ServerConfig, serverConfig } from "#shared/rpc/ServerConfig.ts"
import { databaseUrl, natsUrl, redactedUrl, redisUrl, url } from "#shared/runtime/EnvConfig.ts"
import { type ZitadelConfig, zitadelConfig } from "./zitadel/management/zitadelConfig.ts"

interface Common {
  readonly server: ServerConfig
  readonly databaseUrl: Redacted.Redacted<string>
  readonly maxConnections: number
  /** How the programs of the mesh know one another. An instance may have nothing: nobody calls it by gRPC. */
  readonly mesh: MeshIdentity
  /** In whose name tokens are made (`iss`), and for whom (`aud`). */
  readonly issuer: string
  readonly audience: string
  /** None: events are not kept, since nobody could read them. */
  readonly natsUrl: Option.Option<Redacted.Redacted<string>>
  /** Where claims are kept, and the rates of an instance's callers. None: nowhere; each process counts for itself. */
  readonly redisUrl: Option.Option<Redacted.Redacted<string>>
  /** None: no mail is sent. */
  readonly smtpUrl: Option.Option<Redacted.Redacted<string>>
  /** Who the mails are from. */
  readonly mailFrom: string
  /** Where the pages are that the links of mails lead to; at an instance, those of the customer's application. */
  readonly mailLinkUrl: URL
  /** Nobody signs in before they have shown that mail to their address reaches them. */
  readonly requireVerifiedEmail: boolean
  /** For how long security events are kept. None: for ever. */
  readonly auditRetention: Option.Option<Duration.Duration>
  /** What authenticators show beside the account. */
  readonly totpIssuer: string
  /** So many organizations one user makes and owns, and so many members and invitations one organization has. */
  readonly maxOwnedOrganizations: number
  readonly maxOrganizationMembers: number
}

/** Nova's identity service, which answers Zitadel. */
export interface NovaConfig extends Common {
  readonly role: "nova"
  /** Keys of Zitadel. Empty: it is refused, fail closed. */
  readonly zitadelKeys: ReadonlyArray<Redacted.Redacted<string>>
  /** With which Zitadel signs what it sends to its targets. Empty: as above. */
  readonly zitadelSigningKeys: ReadonlyArray<Redacted.Redacted<string>>
  /** How long claims are served from Redis without a look at the database. None: never. */
  readonly claimsCacheTtl: Option.Option<Duration.Duration>
  /** Where claims are noted for when we are away. None: nowhere. */
  readonly zitadel: Option.Option<ZitadelConfig>
}

/** The auth server of one customer's application. */
export interface InstanceConfig extends Common {
  readonly role: "instance"
  readonly applicationId: string
  /** How often an end user, or somebody with a public key alone, may do what invites abuse. The proxy counts the rest. */
  readonly rates: Rates
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

interface Defaults {
  readonly issuer: string
  readonly totpIssuer: string
  readonly maxConnections: number
}

/** No longer than the field of the contract that holds it twice, and an account's address. */
const totpIssuer = Config.schema(Schema.NonEmptyString.check(Schema.isMaxLength(60)), "TOTP_ISSUER")

/** A day at least: who sets hours means something else. */
const auditRetention = Config.schema(
  Schema.DurationFromString.check(
    Schema.makeFilter((kept) => Duration.isGreaterThanOrEqualTo(kept, Duration.days(1)), {
      expected: "a day at least",
    }),
  ),
  "AUDIT_RETENTION",
)

const limit = (name: string, otherwise: number): Config.Config<number> =>
  Config.schema(
    Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: 1e6 })),
    name,
  ).pipe(Config.withDefault(otherwise))

const smtpUrl = redactedUrl("SMTP_URL", ["smtp", "smtps"])

/** It needs SMTP_URL: nobody could show anything without a mail. */
const requireVerifiedEmail = Effect.gen(function* () {
  const required = yield* Config.Boolean("REQUIRE_VERIFIED_EMAIL").pipe(Config.withDefault(false))
  if (required) yield* smtpUrl
  return required
})

const common = (defaults: Defaults) =>
  Config.all({
    server: serverConfig({ http: 8081, grpc: 9081 }),
    databaseUrl,
    maxConnections: Config.Int("DATABASE_MAX_CONNECTIONS").pipe(Config.withDefault(defaults.maxConnections)),
    issuer: Config.NonEmptyString("ISSUER").pipe(Config.withDefault(defaults.issuer)),
    redisUrl: Config.option(redisUrl),
    smtpUrl: Config.option(smtpUrl),
    mailFrom: Config.NonEmptyString("MAIL_FROM").pipe(Config.withDefault("no-reply@localhost")),
    mailLinkUrl: url("MAIL_LINK_URL", ["http", "https"]).pipe(Config.withDefault(new URL("http://localhost:3000"))),
    totpIssuer: totpIssuer.pipe(Config.withDefault(defaults.totpIssuer)),
    auditRetention: Config.option(auditRetention),
    maxOwnedOrganizations: limit("MAX_OWNED_ORGANIZATIONS", 100),
    maxOrganizationMembers: limit("MAX_ORGANIZATION_MEMBERS", 1000),
  })

/** It bounds what a Redis that brings back what it should have forgotten can do. */
const longestCacheTtl = Duration.hours(1)

/** Unset or 0: no cache. It needs REDIS_URL. */
const claimsCacheTtl = Effect.gen(function* () {
  const Ttl = Schema.DurationFromString.check(
    Schema.makeFilter((ttl) => Duration.isLessThanOrEqualTo(ttl, longestCacheTtl), { expected: "an hour at most" }),
  )
  const ttl = Option.filter(yield* Config.option(Config.schema(Ttl, "CLAIMS_CACHE_TTL")), Duration.isPositive)
  if (Option.isSome(ttl)) yield* redisUrl
  return ttl
})

const nova = Effect.gen(function* () {
  const shared = yield* common({ issuer: "nova-identity", totpIssuer: "Nova", maxConnections: 10 })
  const verified = { requireVerifiedEmail: yield* requireVerifiedEmail }
  const nats = yield* natsUrl
  const zitadel = {
    zitadelKeys: yield* keys("INTERNAL_API_KEY"),
    zitadelSigningKeys: yield* keys("ZITADEL_SIGNING_KEYS"),
    claimsCacheTtl: yield* claimsCacheTtl,
    zitadel: yield* zitadelConfig,
  }
  const mesh = yield* meshIdentity
  return {
    ...shared,
    ...verified,
    role: "nova",
    audience: "nova",
    mesh,
    natsUrl: Option.some(nats),
    ...zitadel,
  } as const
})

const instance = Effect.gen(function* () {
  const id = yield* applicationId
  const shared = yield* common({ issuer: id, totpIssuer: id, maxConnections: 5 })
  return {
    ...shared,
    role: "instance",
    audience: id,
    applicationId: id,
    requireVerifiedEmail: yield* requireVerifiedEmail,
    mesh: yield* meshIdentityIfAny,
    rates: yield* rates("CREDENTIAL", "COSTLY"),
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
