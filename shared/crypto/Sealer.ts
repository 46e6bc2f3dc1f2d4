/**
 * Secrets at rest: AES-256-GCM under a named key, as `v1.<key id>.<base64url of nonce, ciphertext, tag>`. What the
 * secret belongs to goes in as associated data, so that a sealed text copied into another row does not open there.
 */
import { createCipheriv, createDecipheriv } from "node:crypto"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { randomBytes } from "./random.ts"

const algorithm = "aes-256-gcm"
const nonceBytes = 12
const tagBytes = 16
const sealed = /^v1\.([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]+)$/

/** The text is not ours, was altered, belongs to something else, or its key is no longer configured. */
export class SealBroken extends Schema.TaggedError<SealBroken>()("SealBroken", { keyId: Schema.String }) {}

/** A key by its name; names are part of every sealed text and must never be given to another key. */
export interface SealingKey {
  readonly id: string
  /** 32 bytes. */
  readonly key: Redacted.Redacted<Uint8Array>
}

/** One or more keys: the first seals, all of them open, so that keys can be rotated without a stop. */
export type SealingKeys = readonly [SealingKey, ...ReadonlyArray<SealingKey>]

const keyShape = /^[A-Za-z0-9_-]{1,64}:[A-Za-z0-9+/]{43}=$/

const parts = (text: string) => text.split(",").map((part) => part.trim())

const KeyText = Schema.String.check(
  Schema.makeFilter(
    (text) =>
      parts(text).every((part) => keyShape.test(part)) &&
      new Set(parts(text).map((part) => part.split(":")[0])).size === parts(text).length,
    { expected: "id:base64 of 32 bytes, each id once, separated by commas" },
  ),
)

const parseKey = (part: string): SealingKey => {
  const [id = "", key = ""] = part.split(":")
  return { id, key: Redacted.make(new Uint8Array(Buffer.from(key, "base64")), { label: "sealing key" }) }
}

const sealingKeys = (variable: string): Config.Config<SealingKeys> =>
  Config.map(Config.schema(KeyText, variable), (text): SealingKeys => {
    const [first = "", ...rest] = parts(text)
    return [parseKey(first), ...rest.map(parseKey)]
  })

export class Sealer extends Context.Service<
  Sealer,
  {
    /** Seals a secret for the one place that `associatedData` names, such as `application/app_…/password`. */
    readonly seal: (secret: Redacted.Redacted<string>, associatedData: string) => Effect.Effect<string>
    /** The secret, if the text was sealed for the same place by one of the keys. */
    readonly open: (text: string, associatedData: string) => Effect.Effect<Redacted.Redacted<string>, SealBroken>
    /** Whether the text was sealed by another key than the first one: seal it again while it is open. */
    readonly needsResealing: (text: string) => boolean
  }
>()("shared/crypto/Sealer") {
  static readonly layer = (keys: SealingKeys) => Layer.succeed(Sealer, makeSealer(keys))

  /** Reads `SEALING_KEYS`: `id:base64 of 32 bytes`, separated by commas; the first seals. */
  static readonly layerConfig = Layer.effect(Sealer, Effect.map(sealingKeys("SEALING_KEYS"), makeSealer))
}

function makeSealer(keys: SealingKeys): Sealer["Service"] {
  const [first] = keys
  const byId = new Map(keys.map((key) => [key.id, key]))
  return {
    seal: (secret, associatedData) =>
      Effect.map(randomBytes(nonceBytes), (nonce) => {
        const cipher = createCipheriv(algorithm, Redacted.value(first.key), nonce)
        cipher.setAAD(aad(first.id, associatedData))
        const body = Buffer.concat([nonce, cipher.update(Redacted.value(secret), "utf8"), cipher.final()])
        return `v1.${first.id}.${Buffer.concat([body, cipher.getAuthTag()]).toString("base64url")}`
      }),
    open: (text, associatedData) => {
      const match = sealed.exec(text)
      const keyId = match?.[1] ?? ""
      const key = byId.get(keyId)
      const bytes = Buffer.from(match?.[2] ?? "", "base64url")
      if (key === undefined || bytes.length < nonceBytes + tagBytes) return Effect.fail(new SealBroken({ keyId }))
      return Effect.try({
        try: () => {
          const decipher = createDecipheriv(algorithm, Redacted.value(key.key), bytes.subarray(0, nonceBytes))
          decipher.setAAD(aad(keyId, associatedData))
          decipher.setAuthTag(bytes.subarray(-tagBytes))
          const body = decipher.update(bytes.subarray(nonceBytes, -tagBytes))
          return Redacted.make(Buffer.concat([body, decipher.final()]).toString("utf8"))
        },
        catch: () => new SealBroken({ keyId }),
      })
    },
    needsResealing: (text) => sealed.exec(text)?.[1] !== first.id,
  }
}

/** The header is authenticated too, so that neither version nor key name can be exchanged. */
const aad = (keyId: string, associatedData: string) => Buffer.from(`v1.${keyId}.${associatedData}`)
