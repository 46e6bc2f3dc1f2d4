/** Personal data -> JSON, with the ids of either face. */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf"
import { uuidToId } from "#shared/ids/Id.ts"
import type { Fact, Facts, ListName, PersonalData } from "./PersonalData.ts"

/** The kind of id that a field of an entry is. */
type IdKinds = Readonly<Partial<Record<string, string>>>

const idKinds: Readonly<Record<"user" | "organizations" | ListName, IdKinds>> = {
  user: { id: "usr" },
  sessions: { id: "ses" },
  organizations: { id: "org", memberId: "mem" },
  securityEvents: { id: "aud" },
  mails: {},
  mailedTokens: {},
  zitadel: {},
}

type ShowId = (prefix: string, uuid: string) => string

const toJson = (fact: Fact): JsonValue => {
  if (fact instanceof Date) return fact.toISOString()
  if (Array.isArray(fact)) return fact.map(toJson)
  if (typeof fact !== "object" || fact === null) return fact
  return Object.fromEntries(Object.entries(fact).map(([name, value]) => [name, toJson(value)]))
}

const toEntry = (facts: Facts, kinds: IdKinds, showId: ShowId): JsonObject =>
  Object.fromEntries(
    Object.entries(facts).map(([name, fact]) => {
      const prefix = kinds[name]
      return [name, prefix !== undefined && typeof fact === "string" ? showId(prefix, fact) : toJson(fact)]
    }),
  )

const toDocument =
  (showId: ShowId) =>
  ({ user, totp, truncated, ...lists }: PersonalData): JsonObject => {
    const entries = (name: "organizations" | ListName) =>
      lists[name].map((facts) => toEntry(facts, idKinds[name], showId))
    return {
      user: toEntry(user, idKinds.user, showId),
      totp: toEntry(totp, {}, showId),
      sessions: entries("sessions"),
      organizations: entries("organizations"),
      securityEvents: entries("securityEvents"),
      mails: entries("mails"),
      mailedTokens: entries("mailedTokens"),
      zitadel: entries("zitadel"),
      truncated: [...truncated],
    }
  }

/** For programs of the mesh: ids are UUIDs. */
export const toExport = toDocument((_, uuid) => uuid)

/** For a tenant's API: ids are prefixed. */
export const toPublicExport = toDocument(uuidToId)
