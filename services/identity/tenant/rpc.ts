/** What the handlers of an instance ask of the call. */
import { isIP } from "node:net"
import * as Effect from "effect/Effect"
import { Call, Caller, type CallFacts } from "#shared/rpc/Caller.ts"
import { type ClientInfo, SessionId } from "../sessions/Session.ts"
import { publicUserId } from "../users/proto.ts"
import { UserId } from "../users/User.ts"

/** The end user of the call. A handler without one is a mistake of the contract. */
export const endUser = Effect.flatMap(Caller, (caller) =>
  caller._tag === "EndUser"
    ? Effect.succeed({ userId: UserId.make(caller.userId), sessionId: SessionId.make(caller.sessionId) })
    : Effect.die(new Error("not called by an end user")),
)

/** From where and with what the call comes. The proxy in front of us is believed: it has signed for the key. */
export const clientOf = ({ header }: CallFacts): ClientInfo => {
  // The last entry is the proxy's own; what stands before it is what its caller claims.
  const address = header("x-forwarded-for")?.split(",").at(-1)?.trim() ?? ""
  return { ipAddress: isIP(address) === 0 ? "" : address, userAgent: (header("user-agent") ?? "").slice(0, 512) }
}

/**
 * From where and with what the person is here. A customer's own program by its secret key answers for many persons, none
 * of whom is at its address: wrong guesses of one must not lock out the others.
 */
export const personsClient: Effect.Effect<ClientInfo, never, Call | Caller> = Effect.gen(function* () {
  const client = clientOf(yield* Call)
  const caller = yield* Caller
  const bySecretKey = (caller._tag === "Key" || caller._tag === "EndUser") && caller.key.kind === "secret"
  return bySecretKey ? { ...client, ipAddress: "" } : client
})

/** Tells the proxy that this user was active, which is what counts for a month. */
export const tellActive = (id: UserId) =>
  Effect.map(Call, ({ setHeader }) => setHeader("x-authsome-active-user", publicUserId(id)))
