/**
 * Codes that an authenticator shows: TOTP (RFC 6238) as every authenticator knows it, with HMAC-SHA-1, six digits, and
 * steps of 30 seconds counted from 1970. Which steps were used up is for the caller to keep.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { generateSync, generateURI, verifySync } from "otplib/functional"
import { renderSVG } from "uqr"
import { encodeBase32 } from "../ids/base32.ts"
import { randomBytes } from "./random.ts"

const stepSeconds = 30
/** RFC 4226, section 4, R6: as long as an HMAC-SHA-1. */
const secretBytes = 20

/** What an authenticator must know, in the two forms in which it gets to know it. */
export interface TotpEnrolment {
  /** `otpauth://totp/…` (the Key URI format); at most 1024 characters where issuer and account are at most 60 and 254. */
  readonly uri: Redacted.Redacted<string>
  /** The URI as a QR code, an SVG document that scales to the room it is given. */
  readonly qrCodeSvg: Redacted.Redacted<string>
}

/** A new secret: 160 random bits as base32 in upper case, which is how authenticators want them typed. */
export const newTotpSecret: Effect.Effect<Redacted.Redacted<string>> = Effect.map(randomBytes(secretBytes), (random) =>
  Redacted.make(encodeBase32(random).toUpperCase(), { label: "TOTP secret" }),
)

/** How an authenticator is told the secret. It shows both names; a colon in one of them becomes a space. */
export const totpEnrolment = (
  secret: Redacted.Redacted<string>,
  { issuer, account }: { readonly issuer: string; readonly account: string },
): TotpEnrolment => {
  // The Key URI format separates the two names by a colon.
  const plain = (name: string) => name.replaceAll(":", " ")
  const uri = generateURI({ issuer: plain(issuer), label: plain(account), secret: Redacted.value(secret) })
  // ISO/IEC 18004 wants four modules of white around; a screen needs little correction, and a small code scans better.
  const svg = renderSVG(uri, { ecc: "L", border: 4, pixelSize: 1 })
  return {
    uri: Redacted.make(uri, { label: "TOTP enrolment" }),
    qrCodeSvg: Redacted.make(svg, { label: "TOTP enrolment" }),
  }
}

/** The step of a time in epoch milliseconds. */
export const totpStepAt = (millis: number): number => Math.floor(millis / 1000 / stepSeconds)

/** What an authenticator with this secret shows during a step. */
export const totpCode = (secret: Redacted.Redacted<string>, step: number): string =>
  generateSync({ secret: Redacted.value(secret), epoch: step * stepSeconds })

/** Whether `text` has the form of a code. */
export const isTotpCode = (text: string): boolean => /^[0-9]{6}$/.test(text)

/**
 * The step whose code this is: the current one, or one of its two neighbours, since clocks differ and people type slowly
 * (RFC 6238, section 5.2). The caller must accept a step only once, and none before it afterwards.
 */
export const totpStepOf = (secret: Redacted.Redacted<string>, code: string): Effect.Effect<Option.Option<number>> =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    if (!isTotpCode(code)) return Option.none()
    const verdict = verifySync({
      secret: Redacted.value(secret),
      token: code,
      epoch: Math.floor(now / 1000),
      epochTolerance: stepSeconds,
    })
    return verdict.valid && "timeStep" in verdict ? Option.some(verdict.timeStep) : Option.none()
  })
