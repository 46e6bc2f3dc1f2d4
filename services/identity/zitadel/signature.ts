/**
 * Zitadel's signature over what it sends to a target of actions version 2: `t=<Unix seconds>,v1=<hex>[,v1=<hex>…]`, each
 * the HMAC-SHA256 of `t + "." + body` under one of its keys (zitadel, pkg/actions/signing.go).
 */
import { createHmac } from "node:crypto"
import * as Redacted from "effect/Redacted"
import { constantTimeEqual } from "#shared/crypto/digest.ts"

/** The name of its header. */
export const signatureHeader = "zitadel-signature"

/** How far the time of a signature may be from ours, in either direction. */
const toleranceSeconds = 300

export interface Signed {
  /** The value of the header. */
  readonly header: string
  /** The body, byte for byte as it came. */
  readonly body: Uint8Array
}

/** `stale` is said of right signatures only: who cannot sign learns nothing of the time here. */
export type Verdict = "right" | "wrong" | "stale"

/** Whether one of `keys` signed it, not longer ago than 300 seconds before `nowSeconds`. */
export const verdictOn = (
  { header, body }: Signed,
  keys: ReadonlyArray<Redacted.Redacted<string>>,
  nowSeconds: number,
): Verdict => {
  const parts = header.split(",").map((part) => part.trim())
  const times = valuesOf(parts, "t")
  const [time = ""] = times
  if (times.length !== 1 || !/^[1-9]\d{0,11}$/.test(time)) return "wrong"
  const signatures = valuesOf(parts, "v1")
  const expected = keys.map((key) =>
    createHmac("sha256", Redacted.value(key)).update(`${time}.`).update(body).digest("hex"),
  )
  // Every key and signature is compared, so that the time tells nothing of which one was near.
  const right = expected.filter((own) => signatures.filter((given) => constantTimeEqual(given, own)).length > 0)
  if (right.length === 0) return "wrong"
  return Math.abs(nowSeconds - Number(time)) > toleranceSeconds ? "stale" : "right"
}

const valuesOf = (parts: ReadonlyArray<string>, name: string): ReadonlyArray<string> =>
  parts.flatMap((part) => (part.startsWith(`${name}=`) ? [part.slice(name.length + 1)] : []))
