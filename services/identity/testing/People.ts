/** People with accounts at the program, made by gRPC. */
import { fromBinary } from "@bufbuild/protobuf"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import { IdentityEventSchema } from "#gen/authsome/identity/v1/events_pb.ts"
import { identityClient } from "./TestClient.ts"

export const password = "correct horse battery"

/** A new account, and a client that can use it. The domain is the test file's: mails of all files lie in one folder. */
export const registered = (domain: string) =>
  Effect.fnUntraced(function* (username: string) {
    const identity = yield* identityClient
    const email = `${username}@${domain}`
    const { user, tokens } = yield* identity.register({ username, email, password })
    return {
      identity,
      email,
      id: user?.id ?? "",
      access: tokens?.accessToken ?? "",
      refresh: tokens?.refreshToken ?? "",
      sessionId: tokens?.sessionId ?? "",
    }
  })

/** The events about a user, in their order, as the outbox holds them. */
export const eventsAbout = (userId: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const rows = yield* sql<{ readonly payload: Uint8Array }>`
      SELECT payload FROM outbox WHERE aggregate = ${userId} ORDER BY position`
    return rows.map(({ payload }) => fromBinary(IdentityEventSchema, payload).kind)
  })

/** What the security log says of a user, in its order. */
export const recordedOf = (userId: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    return yield* sql<{ readonly action: string; readonly ipAddress: string; readonly userAgent: string }>`
      SELECT action, ip_address, user_agent FROM security_audit_log
      WHERE user_id = ${userId}::uuid ORDER BY occurred_at, id`
  })
