/** What a customer's program shows to the proxy. Only its digest is kept. */
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import { ApplicationId, type Environment, nameOf } from "../applications/Application.ts"
import { UserId } from "../users/User.ts"

export const ApiKeyId = Schema.String.pipe(Schema.brand("ApiKeyId"))
export type ApiKeyId = typeof ApiKeyId.Type

/** public: for browsers and mobile programs, no secret. secret: for the customer's servers. */
export const KeyType = Schema.Literals(["public", "secret"])
export type KeyType = typeof KeyType.Type

export class ApiKey extends Schema.Class<ApiKey>("ApiKey")({
  id: ApiKeyId,
  applicationId: ApplicationId,
  name: Schema.String,
  type: KeyType,
  /** Enough to recognise the key by, and no more. */
  masked: Schema.String,
  scopes: Schema.Array(Schema.String),
  allowedOrigins: Schema.Array(Schema.String),
  expiresAt: Schema.NullOr(Schema.DateTimeUtcFromDate),
  lastUsedAt: Schema.NullOr(Schema.DateTimeUtcFromDate),
  createdAt: Schema.DateTimeUtcFromDate,
  /** None for a key that was made with its application. */
  createdBy: Schema.NullOr(UserId),
}) {}

/** What a customer asks of a new key. */
export interface KeyDraft {
  readonly name: string
  readonly type: KeyType
  readonly scopes: ReadonlyArray<string>
  readonly allowedOrigins: ReadonlyArray<string>
  readonly expiresAt: DateTime.Utc | null
}

/** So many keys of an application may work at a time. */
export const maxKeys = 100

/** What a key begins with: `sk_live_{x}_` for a secret key in production, `pk_test_{x}_` for a public one in staging. */
export const keyPrefix = (type: KeyType, environment: Environment, applicationId: ApplicationId): string => {
  const kind = type === "public" ? "pk" : "sk"
  const world = environment === "production" ? "live" : "test"
  return `${kind}_${world}_${nameOf(applicationId)}_`
}

/** A rule that a draft breaks, by the field that breaks it. */
export interface DraftProblem {
  readonly field: "scopes" | "allowedOrigins" | "expiresAt"
  readonly description: string
}

/** What is wrong with a draft at this time; nothing, if it is empty. */
export const problemsOf = ({ type, scopes, allowedOrigins, expiresAt }: KeyDraft, now: DateTime.Utc) => {
  const problems: Array<DraftProblem> = []
  if (type === "secret" && scopes.length === 0) {
    problems.push({ field: "scopes", description: "a secret key needs at least one scope" })
  }
  if (type === "public" && scopes.length > 0) {
    problems.push({ field: "scopes", description: "a public key takes no scopes" })
  }
  if (type === "secret" && allowedOrigins.length > 0) {
    problems.push({ field: "allowedOrigins", description: "a secret key takes no origins" })
  }
  if (expiresAt !== null && DateTime.isLessThanOrEqualTo(expiresAt, now)) {
    problems.push({ field: "expiresAt", description: "must be in the future" })
  }
  return problems
}

export class KeyDraftRefused extends Schema.TaggedError<KeyDraftRefused>()("KeyDraftRefused", {
  problems: Schema.Array(Schema.Struct({ field: Schema.String, description: Schema.String })),
}) {}

/** There is no such key of the application. */
export class ApiKeyNotFound extends Schema.TaggedError<ApiKeyNotFound>()("ApiKeyNotFound", { id: ApiKeyId }) {}

/** The application has as many keys as it may. */
export class KeyLimitReached extends Schema.TaggedError<KeyLimitReached>()("KeyLimitReached", {
  limit: Schema.Int,
}) {}
