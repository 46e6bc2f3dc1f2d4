/** Making and judging access tokens. Whether the session still lives is not in the token: ask `Sessions`. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { newUuid } from "#shared/ids/Id.ts"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { SessionId } from "../sessions/Session.ts"
import { UserId } from "../users/User.ts"
import { type AccessClaims, type AccessToken, AccessTokenInvalid, accessTokenLifetime } from "./AccessToken.ts"
import { SigningKeys } from "./SigningKeys.ts"

const Subject = Schema.Struct({ sub: UserId, sid: SessionId, jti: Schema.String })

const decodeClaims = Schema.decodeUnknownOption(Schema.fromJsonString(Subject))

/** What the token says, whoever made it. */
const claimsText = (token: Redacted.Redacted<string>) =>
  Buffer.from(Redacted.value(token).split(".")[1] ?? "", "base64url").toString()

export class AccessTokens extends Context.Service<
  AccessTokens,
  {
    /** Not to be used within a transaction. */
    readonly issue: (userId: UserId, sessionId: SessionId) => Effect.Effect<AccessToken, DatabaseFailed>
    /** What the token says, if it is ours and its time is not over. */
    readonly verify: (
      token: Redacted.Redacted<string>,
    ) => Effect.Effect<AccessClaims, AccessTokenInvalid | DatabaseFailed>
    /** Of which session the token is, if it is ours, even when its time is over: enough to end it, and for nothing else. */
    readonly sessionOf: (token: Redacted.Redacted<string>) => Effect.Effect<Option.Option<SessionId>, DatabaseFailed>
  }
>()("identity/AccessTokens") {
  static readonly layer = (options: { readonly audience: string }) =>
    Layer.effect(
      AccessTokens,
      Effect.gen(function* () {
        const { ring } = yield* SigningKeys
        const { audience } = options

        const issue = Effect.fnUntraced(function* (userId: UserId, sessionId: SessionId) {
          const { sign } = yield* ring
          const now = Math.floor((yield* Clock.currentTimeMillis) / 1000) * 1000
          const token = yield* sign({
            subject: userId,
            audience,
            lifetime: accessTokenLifetime,
            id: yield* newUuid,
            claims: { sid: sessionId },
          })
          return {
            token: Redacted.make(token, { label: "token" }),
            expiresAt: DateTime.makeUnsafe(now + Duration.toMillis(accessTokenLifetime)),
          }
        })

        const verify = Effect.fnUntraced(function* (token: Redacted.Redacted<string>) {
          const { verify } = yield* ring
          const verified = yield* Effect.mapError(
            verify(Redacted.value(token), audience),
            ({ reason }) => new AccessTokenInvalid({ expired: reason === "expired" }),
          )
          const { sub, sid, jti } = yield* Effect.mapError(
            Schema.decodeUnknownEffect(Subject)(verified.claims),
            () => new AccessTokenInvalid({ expired: false }),
          )
          return {
            userId: sub,
            sessionId: sid,
            issuer: verified.issuer,
            audience: verified.audience,
            tokenId: jti,
            issuedAt: DateTime.makeUnsafe(verified.issuedAt * 1000),
            expiresAt: DateTime.makeUnsafe(verified.expiresAt * 1000),
          }
        })

        const sessionOf = (token: Redacted.Redacted<string>) =>
          verify(token).pipe(
            Effect.map(({ sessionId }) => Option.some(sessionId)),
            // The time is judged last: whatever else is wrong with a token comes before.
            Effect.catchTag("AccessTokenInvalid", ({ expired }) =>
              Effect.succeed(expired ? Option.map(decodeClaims(claimsText(token)), ({ sid }) => sid) : Option.none()),
            ),
          )

        return AccessTokens.of({ issue, verify, sessionOf })
      }),
    )
}
