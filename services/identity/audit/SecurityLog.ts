/** The kit's audit log as one of people: to whom it happened, by which key or program, from where. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { newUuid } from "#shared/ids/Id.ts"
import { type AuditEntry, AuditLog } from "#shared/recording/AuditLog.ts"
import { clientOf } from "../tenant/rpc.ts"
import { SecurityEventStore } from "./SecurityEventStore.ts"

export const layer = Layer.effect(
  AuditLog,
  Effect.map(SecurityEventStore, (store) =>
    AuditLog.of({
      append: Effect.fnUntraced(function* (entry) {
        const { action, details, call } = entry
        const id = yield* newUuid
        const told = { ...details, ...whatOf(entry) }
        yield* store.insert({
          id,
          action,
          details: told,
          requestId: call.requestId,
          ...whoOf(entry),
          ...whereFrom(entry),
        })
      }),
    }),
  ),
)

/** A person who is erased by the call is not named by its record: their pseudonym is. */
const erasedUser = "erasedUser"

const whoOf = ({ caller, resource }: AuditEntry) => ({
  userId: resource.type === "user" ? resource.id : caller._tag === "EndUser" ? caller.userId : null,
  pseudonym: resource.type === erasedUser ? resource.id : null,
  keyId: caller._tag === "Key" || caller._tag === "EndUser" ? caller.key.keyId : null,
  peer: caller._tag === "Peer" ? caller.name : null,
})

/** What was changed, where it is not the person: such as a member, and the organization that they belong to. */
const whatOf = ({ resource, container }: AuditEntry) =>
  resource.type === "user" || resource.type === erasedUser
    ? {}
    : { resource, ...(container === undefined ? {} : { container }) }

/** A program of the mesh is not where the person is: unless it tells more, nothing is known. */
const whereFrom = ({ caller, origin, call, resource }: AuditEntry) =>
  resource.type === erasedUser ? nowhere : (origin ?? (caller._tag === "Peer" ? nowhere : clientOf(call)))

const nowhere = { ipAddress: "", userAgent: "" }
