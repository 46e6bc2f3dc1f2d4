/** The rpcs of IdentityService about passwords and addresses. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { IdentityService } from "#gen/authsome/identity/v1/identity_service_pb.ts"
import { changed, unchanged } from "#shared/rpc/Change.ts"
import * as Handlers from "#shared/rpc/Handlers.ts"
import { refuse } from "../proto.ts"
import { fromClientInfo } from "../sessions/proto.ts"
import { SessionId } from "../sessions/Session.ts"
import { toUser } from "../users/proto.ts"
import { UserId } from "../users/User.ts"
import { EmailVerifications } from "./EmailVerifications.ts"
import { PasswordChanges } from "./PasswordChanges.ts"

type PasswordHandlers = Pick<
  Handlers.Handlers<typeof IdentityService>,
  | "verifyPassword"
  | "changePassword"
  | "requestPasswordReset"
  | "resetPassword"
  | "requestEmailVerification"
  | "verifyEmail"
>

// The contract has checked that an id is a UUID; the database has them in lower case.
const userIdOf = (text: string) => UserId.make(text.toLowerCase())
const sessionIdOf = (text: string) => (text === "" ? undefined : SessionId.make(text.toLowerCase()))

export const passwordHandlers = Effect.gen(function* () {
  const passwords = yield* PasswordChanges
  const verifications = yield* EmailVerifications

  const handlers: PasswordHandlers = {
    verifyPassword: ({ userId, password, client }) =>
      passwords.check(userIdOf(userId), Redacted.make(password), fromClientInfo(client)).pipe(
        Effect.map((valid) => ({ valid })),
        Effect.catch(refuse),
      ),

    changePassword: Handlers.prepared(({ userId, currentPassword, newPassword, keepSessionId, client }) => {
      const id = userIdOf(userId)
      const origin = fromClientInfo(client)
      return passwords
        .prepareChange({
          userId: id,
          currentPassword: Redacted.make(currentPassword),
          newPassword: Redacted.make(newPassword),
          keep: sessionIdOf(keepSessionId),
          client: origin,
        })
        .pipe(
          Effect.map((ready) =>
            ready.pipe(
              Effect.tap(changed({ type: "user", id, origin })),
              Effect.map((revokedSessions) => ({ revokedSessions })),
              Effect.catch(refuse),
            ),
          ),
          Effect.catch(refuse),
        )
    }),

    requestPasswordReset: ({ email, client }) =>
      passwords.requestReset(email).pipe(
        Effect.tap((owner) => askedFor(owner, fromClientInfo(client))),
        Effect.as({}),
        Effect.catch(refuse),
      ),

    resetPassword: Handlers.prepared(({ token, newPassword, client }) =>
      passwords.prepareReset(Redacted.make(token), Redacted.make(newPassword)).pipe(
        Effect.map((ready) =>
          ready.pipe(
            Effect.tap((id) => changed({ type: "user", id, origin: fromClientInfo(client) })),
            Effect.map((userId) => ({ userId })),
            Effect.catch(refuse),
          ),
        ),
        Effect.catch(refuse),
      ),
    ),

    requestEmailVerification: ({ userId }) =>
      verifications.request(userIdOf(userId)).pipe(
        Effect.map((alreadyVerified) => ({ alreadyVerified })),
        Effect.catch(refuse),
      ),

    verifyEmail: ({ token }) =>
      verifications.verify(Redacted.make(token)).pipe(
        Effect.tap(({ user, changed: now }) => (now ? changed({ type: "user", id: user.id }) : unchanged)),
        Effect.map(({ user }) => ({ user: toUser(user) })),
        Effect.catch(refuse),
      ),
  }
  return handlers
})

/** The log names whoever was asked about; where that is nobody it says so in as much time. */
export const askedFor = (owner: Option.Option<UserId>, origin?: { ipAddress: string; userAgent: string }) =>
  changed({
    ...Option.match(owner, {
      onNone: () => ({ type: "address", id: "" }),
      onSome: (id) => ({ type: "user", id }),
    }),
    ...(origin === undefined ? {} : { origin }),
  })
