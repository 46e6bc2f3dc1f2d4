/** Who calls the control plane: users by their bearer token, programs of the mesh by what the mesh has. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { JwtVerifier } from "#shared/crypto/Jwt.ts"
import { bearerToken, peers } from "#shared/rpc/authenticate.ts"
import { type Authenticate, Authentication, Caller } from "#shared/rpc/Caller.ts"
import type { MeshIdentity } from "#shared/rpc/MeshIdentity.ts"
import { type PublicError, Unauthenticated } from "#shared/rpc/PublicError.ts"
import { audience, SessionId } from "./Session.ts"
import { UserId } from "./User.ts"

const Claims = Schema.Struct({ sub: UserId, sid: SessionId })
const decodeClaims = Schema.decodeUnknownOption(Claims)

const refused = new Unauthenticated({
  reason: "UNAUTHENTICATED",
  message: "the bearer token is missing, wrong or expired",
})

const byBearerToken =
  (verifier: JwtVerifier["Service"]): Authenticate =>
  (call) => {
    const token = bearerToken(call.header("authorization"))
    if (token === undefined) return Effect.fail(refused)
    return verifier.verify(Redacted.value(token), audience).pipe(
      Effect.mapError((): PublicError => refused),
      Effect.flatMap(({ claims }) =>
        Option.match(decodeClaims(claims), {
          onNone: () => Effect.fail(refused),
          onSome: ({ sub, sid }) => Effect.succeed({ _tag: "User" as const, userId: sub, sessionId: sid }),
        }),
      ),
    )
  }

/** Callers of ACCESS_USER and ACCESS_INTERNAL; every other kind is refused. */
export const layer = (identity: MeshIdentity): Layer.Layer<Authentication, never, JwtVerifier> =>
  Layer.effect(
    Authentication,
    Effect.gen(function* () {
      return { USER: byBearerToken(yield* JwtVerifier), INTERNAL: yield* peers(identity) }
    }),
  )

/** The user who calls, in an rpc of ACCESS_USER. */
export const currentUser: Effect.Effect<
  { readonly userId: UserId; readonly sessionId: SessionId },
  PublicError,
  Caller
> = Effect.flatMap(Caller, (caller) =>
  caller._tag === "User"
    ? Effect.succeed({ userId: UserId.make(caller.userId), sessionId: SessionId.make(caller.sessionId) })
    : Effect.fail(refused),
)
