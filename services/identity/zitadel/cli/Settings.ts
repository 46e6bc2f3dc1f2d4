/** What the command is told: by flags what may be seen, by the environment or files what may not. */
import * as Config from "effect/Config"
import * as Flag from "effect/cli/Flag"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { Misused } from "#shared/runtime/commandLine.ts"
import type { Credentials } from "../management/Credentials.ts"
import { type ZitadelApi, zitadelApi } from "../management/ZitadelApi.ts"
import type { PackSettings } from "../pack/Pack.ts"

/** Something could not be done; says what, and perhaps what to do. */
export class NotDone extends Data.TaggedError("NotDone")<{ readonly message: string }> {}

const flag = (name: string, variable: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withDescription(`${description}; ${variable} where not given`),
    Flag.withFallbackConfig(Config.NonEmptyString(variable)),
    Flag.optional,
  )

/** Secrets are no arguments: every user of the machine can read those. */
export const settingFlags = {
  identityUrl: flag(
    "identity-url",
    "IDENTITY_SERVICE_URL",
    "Where Zitadel reaches the identity service, such as http://identity-service:8081",
  ),
  keyFile: flag("key-file", "INTERNAL_API_KEY_FILE", "A file with the internal key, else INTERNAL_API_KEY holds it"),
  zitadelUrl: flag("zitadel-url", "ZITADEL_URL", "Where people reach Zitadel, such as https://id.staging.nova.app"),
  tokenFile: flag(
    "token-file",
    "ZITADEL_TOKEN_FILE",
    "A file with a personal access token, else ZITADEL_TOKEN holds it",
  ),
  serviceAccountFile: flag(
    "service-account-file",
    "ZITADEL_KEY_FILE",
    "The JSON key file of a service account, instead of a token",
  ),
}

type Given = Readonly<Record<keyof typeof settingFlags, Option.Option<string>>>

const url = (text: Option.Option<string>, names: string): Effect.Effect<URL, Misused> => {
  if (Option.isNone(text)) return new Misused({ message: `${names} is missing` })
  const { value } = text
  return URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)
    ? Effect.succeed(new URL(value))
    : new Misused({ message: `${names} is no URL that begins with http:// or https://` })
}

const secretOf = (name: string) =>
  Config.String(name).pipe(
    Config.option,
    Effect.map(Option.filter((text) => text !== "")),
    Effect.orElseSucceed(() => Option.none<string>()),
  )

export const identityUrl = (given: Given) => url(given.identityUrl, "--identity-url (or IDENTITY_SERVICE_URL)")

/** What is written into the actions. */
export const packSettings = Effect.fnUntraced(function* (given: Given) {
  const files = yield* FileSystem.FileSystem
  const text = yield* Option.match(given.keyFile, {
    onNone: () => secretOf("INTERNAL_API_KEY"),
    onSome: (file) =>
      files.readFileString(file).pipe(
        Effect.map((read) => Option.some(read.trim())),
        Effect.mapError(() => new Misused({ message: `${file} cannot be read` })),
      ),
  })
  if (Option.isNone(text)) return yield* new Misused({ message: "INTERNAL_API_KEY (or --key-file) is missing" })
  const settings: PackSettings = { identityUrl: yield* identityUrl(given), key: Redacted.make(text.value) }
  return settings
})

/** Zitadel, and its address for people. */
export const zitadel = Effect.fnUntraced(function* (
  given: Given,
): Effect.fn.Return<{ readonly address: string; readonly api: ZitadelApi }, Misused> {
  const target = yield* url(given.zitadelUrl, "--zitadel-url (or ZITADEL_URL)")
  const token = yield* secretOf("ZITADEL_TOKEN")
  const chosen = Option.firstSomeOf([
    Option.map(given.serviceAccountFile, (file): Credentials => ({ _tag: "KeyFile", file })),
    Option.map(given.tokenFile, (file): Credentials => ({ _tag: "TokenFile", file })),
    Option.map(token, (text): Credentials => ({ _tag: "Token", token: Redacted.make(text) })),
  ])
  if (Option.isNone(chosen)) {
    return yield* new Misused({ message: "ZITADEL_TOKEN (or --token-file, or --service-account-file) is missing" })
  }
  return { address: target.origin, api: zitadelApi({ url: target, credentials: chosen.value }) }
})
