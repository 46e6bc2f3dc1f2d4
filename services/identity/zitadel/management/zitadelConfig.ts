/** Which Zitadel, and how we show it who we are. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { url } from "#shared/runtime/EnvConfig.ts"
import type { Credentials } from "./Credentials.ts"

export interface ZitadelConfig {
  readonly url: URL
  /** None: nothing can be told to Zitadel. */
  readonly credentials: Option.Option<Credentials>
}

/** ZITADEL_KEY_FILE goes before ZITADEL_TOKEN_FILE, and that before ZITADEL_TOKEN. */
const credentials = Effect.gen(function* () {
  const keyFile = yield* Config.option(Config.NonEmptyString("ZITADEL_KEY_FILE"))
  const tokenFile = yield* Config.option(Config.NonEmptyString("ZITADEL_TOKEN_FILE"))
  const token = yield* Config.option(Config.Redacted("ZITADEL_TOKEN"))
  return Option.firstSomeOf([
    Option.map(keyFile, (file): Credentials => ({ _tag: "KeyFile", file })),
    Option.map(tokenFile, (file): Credentials => ({ _tag: "TokenFile", file })),
    Option.map(token, (text): Credentials => ({ _tag: "Token", token: text })),
  ])
})

/** None where ZITADEL_URL is not set. */
export const zitadelConfig: Effect.Effect<Option.Option<ZitadelConfig>, Config.ConfigError> = Effect.gen(function* () {
  const address = yield* Config.option(url("ZITADEL_URL", ["http", "https"]))
  if (Option.isNone(address)) return Option.none()
  return Option.some({ url: address.value, credentials: yield* credentials })
})
