/** How we show Zitadel who we are: a token, or a service account's key with which one is asked for. */
import { createPrivateKey, type KeyObject } from "node:crypto"
import { readFile } from "node:fs/promises"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { SignJWT } from "jose/jwt/sign"
import { ZitadelFailed } from "./ZitadelFailed.ts"

export type Credentials =
  | { readonly _tag: "Token"; readonly token: Redacted.Redacted<string> }
  /** Read at every request, so that whoever replaces the file need not restart us. */
  | { readonly _tag: "TokenFile"; readonly file: string }
  /** The JSON file that Zitadel's console gives away once: `{"type":"serviceaccount","keyId":…,"key":…,"userId":…}`. */
  | { readonly _tag: "KeyFile"; readonly file: string }

export interface Tokens {
  readonly current: Effect.Effect<Redacted.Redacted<string>, ZitadelFailed>
  /** Zitadel does not take the current one any more. Whether there can be another. */
  readonly forget: Effect.Effect<boolean>
}

const KeyFile = Schema.fromJsonString(
  Schema.Struct({ keyId: Schema.String, key: Schema.String, userId: Schema.String }),
)

const Answer = Schema.fromJsonString(Schema.Struct({ access_token: Schema.String, expires_in: Schema.Number }))

const request = "POST /oauth/v2/token"

const unusable = (detail: string) => new ZitadelFailed({ kind: "unauthenticated", request, detail })

const fileText = (file: string) =>
  Effect.tryPromise({ try: () => readFile(file, "utf8"), catch: () => unusable(`${file} cannot be read`) })

/** Tokens for the Zitadel at that URL. */
export const tokensOf = (url: URL, credentials: Credentials): Tokens => {
  switch (credentials._tag) {
    case "Token":
      return { current: Effect.succeed(credentials.token), forget: Effect.succeed(false) }
    case "TokenFile":
      return {
        current: Effect.map(fileText(credentials.file), (text) => Redacted.make(text.trim())),
        forget: Effect.succeed(true),
      }
    case "KeyFile":
      return tokensByKey(url, credentials.file)
  }
}

/** A token is asked for anew this long before it ends. */
const marginMillis = 60_000

const tokensByKey = (url: URL, file: string): Tokens => {
  let kept: { readonly token: Redacted.Redacted<string>; readonly until: number } | undefined
  return {
    current: Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      if (kept !== undefined && now < kept.until) return kept.token
      const { access_token, expires_in } = yield* exchange(url, file, yield* assertion(url, file, now))
      kept = { token: Redacted.make(access_token), until: now + expires_in * 1000 - marginMillis }
      return kept.token
    }),
    forget: Effect.sync(() => {
      kept = undefined
      return true
    }),
  }
}

/** A JWT as RFC 7523 has it, section 3, signed with the service account's RSA key. */
const assertion = Effect.fnUntraced(function* (url: URL, file: string, now: number) {
  const { keyId, key, userId } = yield* Effect.flatMap(fileText(file), Schema.decodeUnknownEffect(KeyFile)).pipe(
    Effect.catchTag("SchemaError", () => unusable(`${file} is not the key file of a service account`)),
  )
  const privateKey = yield* Effect.try({
    try: (): KeyObject => createPrivateKey(key),
    catch: () => unusable(`${file} holds no private key`),
  })
  const issuedAt = Math.floor(now / 1000)
  return yield* Effect.tryPromise({
    try: () =>
      new SignJWT()
        .setProtectedHeader({ alg: "RS256", kid: keyId })
        .setIssuer(userId)
        .setSubject(userId)
        .setAudience(url.origin)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + 300)
        .sign(privateKey),
    catch: () => unusable(`${file} holds no RSA key`),
  })
})

/** The scope that lets a token use Zitadel's own APIs. */
const scope = "openid urn:zitadel:iam:org:project:id:zitadel:aud"

const exchange = Effect.fnUntraced(function* (url: URL, file: string, jwt: string) {
  const body = new URLSearchParams({
    grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
    scope,
    assertion: jwt,
  })
  const { status, text } = yield* Effect.tryPromise({
    try: async (signal) => {
      const response = await fetch(new URL("/oauth/v2/token", url), { method: "POST", body, signal, redirect: "error" })
      return { status: response.status, text: await response.text() }
    },
    catch: () => new ZitadelFailed({ kind: "unavailable", request, detail: `${url.origin} cannot be reached` }),
  }).pipe(
    Effect.timeoutOrElse({
      duration: "10 seconds",
      orElse: () => Effect.fail(new ZitadelFailed({ kind: "unavailable", request, detail: "no answer in 10 s" })),
    }),
  )
  if (status >= 500) return yield* new ZitadelFailed({ kind: "unavailable", request, detail: String(status) })
  return yield* Effect.catchTag(Schema.decodeUnknownEffect(Answer)(text), "SchemaError", () =>
    unusable(`the key of ${file} (${status})`),
  )
})
