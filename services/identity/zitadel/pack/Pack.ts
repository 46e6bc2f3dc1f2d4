/** The two actions of version 1 that put Nova's claims into Zitadel's tokens, made from the one table of claims. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { enrichmentName, enrichmentScript, fallbackScript } from "./scripts.ts"

/** An action as the Management API takes it. */
export interface Action {
  /** Also the name of the function in the script: Zitadel calls it by that. */
  readonly name: string
  readonly script: string
  /** A duration of protobuf's JSON, such as `1s`. */
  readonly timeout: string
  /** Failures of the action are no failures of the login. */
  readonly allowedToFail: boolean
}

/** What is written into the scripts, since actions have no environment. */
export interface PackSettings {
  /** Where Zitadel reaches Nova's identity service, such as http://identity-service:8081. */
  readonly identityUrl: URL
  readonly key: Redacted.Redacted<string>
}

/** Zitadel takes no longer script (v2.62, validation of CreateAction). */
const maxScriptBytes = 40_000

/** The pack cannot be made of these settings; names no key. */
export class PackRefused extends Schema.TaggedError<PackRefused>()("PackRefused", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

/**
 * In the order in which they have to run. A script cannot catch that Nova is away, so the first one may fail, and the
 * second one, which asks nobody, stands in. The first one's time is added to every token and introspection while Nova
 * does not answer: one second.
 */
export const makePack = ({ identityUrl, key }: PackSettings): Effect.Effect<ReadonlyArray<Action>, PackRefused> => {
  const wrong = urlFault(identityUrl) ?? keyFault(Redacted.value(key))
  if (wrong !== undefined) return new PackRefused({ reason: wrong })
  const claimsUrl = `${identityUrl.href.replace(/\/+$/, "")}/internal/zitadel/user-claims/`
  const actions = [enrichmentScript({ claimsUrl, key: Redacted.value(key) }), fallbackScript].map((made) => ({
    ...made,
    timeout: "1s",
    allowedToFail: true,
  }))
  const long = actions.find((action) => sizeOf(action) > maxScriptBytes)
  return long === undefined
    ? Effect.succeed(actions)
    : new PackRefused({
        reason: `the script of ${long.name} has ${sizeOf(long)} bytes; Zitadel takes ${maxScriptBytes}`,
      })
}

/** Why Zitadel cannot be told to call the identity service there; undefined where it can. */
export const urlFault = ({ protocol, username, password, search, hash }: URL): string | undefined => {
  if (!/^https?:$/.test(protocol)) return "the URL of the identity service begins with http:// or https://"
  return [username, password, search, hash].every((part) => part === "")
    ? undefined
    : "the URL of the identity service has neither user, query nor fragment"
}

/** Zitadel splits header values at commas, and a service whose key is being replaced takes several between commas. */
const keyFault = (key: string): string | undefined =>
  /^[\x21-\x2b\x2d-\x7e]+$/.test(key)
    ? undefined
    : "the internal key is one word of ASCII without a comma; of two that are valid, give the new one"

/** The names of the actions, in their order. */
export const actionNames: ReadonlyArray<string> = [enrichmentName, fallbackScript.name]

/** Bytes of the script. */
export const sizeOf = ({ script }: Pick<Action, "script">): number => Buffer.byteLength(script)

/** Zitadel refuses to call these, whatever is there (its default `Actions.HTTP.DenyList`). */
export const isDenied = ({ hostname }: URL): boolean =>
  /^(localhost|127(\.\d+){3}|0\.0\.0\.0|\[::1?\])$/.test(hostname.toLowerCase())
