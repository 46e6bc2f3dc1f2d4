import { generateKeyPairSync } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { SignJWT } from "jose/jwt/sign"
import { JwtSigner, JwtVerifier } from "./Jwt.ts"

const pair = generateKeyPairSync("ed25519")
const stranger = generateKeyPairSync("ed25519")
const issuer = "issuer-of-tests"
const claims = { subject: "usr_1", audience: "page", lifetime: "15 minutes", claims: { role: "owner" } } as const

const pkcs8 = (keys: typeof pair) =>
  Redacted.make(keys.privateKey.export({ format: "der", type: "pkcs8" }).toString("base64"))
const spki = (keys: typeof pair) =>
  Redacted.make(keys.publicKey.export({ format: "der", type: "spki" }).toString("base64"))
const jwks = (...keys: ReadonlyArray<{ readonly kid: string; readonly pair: typeof pair }>) =>
  Redacted.make(
    JSON.stringify({ keys: keys.map(({ kid, pair }) => ({ ...pair.privateKey.export({ format: "jwk" }), kid })) }),
  )

const signer = JwtSigner.make({ keys: pkcs8(pair), issuer })
const verifier = JwtVerifier.make({ keys: spki(pair), issuer })

describe("a token", () => {
  it.effect("is accepted for its audience within its time", () =>
    Effect.gen(function* () {
      const token = yield* (yield* signer).sign({ ...claims, id: "tok_1" })
      const verified = yield* (yield* verifier).verify(token, "page")
      assert.deepInclude(verified, {
        subject: "usr_1",
        issuer,
        audience: "page",
        id: "tok_1",
        issuedAt: 0,
        expiresAt: 900,
      })
      assert.strictEqual(verified.claims["role"], "owner")
    }),
  )

  it.effect("ends at its time, give or take five seconds", () =>
    Effect.gen(function* () {
      const token = yield* (yield* signer).sign(claims)
      const { verify } = yield* verifier
      yield* TestClock.adjust("904 seconds")
      yield* verify(token, "page")
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* Effect.flip(verify(token, "page"))).reason, "expired")
    }),
  )

  it.effect("is refused for another audience, issuer, type or key, and from the future", () =>
    Effect.gen(function* () {
      const { sign } = yield* signer
      const { verify } = yield* verifier
      const reasonOf = (token: string) => Effect.map(Effect.flip(verify(token, "page")), ({ reason }) => reason)
      assert.strictEqual(yield* reasonOf(yield* sign({ ...claims, audience: "elsewhere" })), "claims")
      const others = [
        yield* JwtSigner.make({ keys: pkcs8(pair), issuer: "another" }),
        yield* JwtSigner.make({ keys: pkcs8(pair), issuer, type: "at+jwt" }),
      ]
      for (const { sign } of others) assert.strictEqual(yield* reasonOf(yield* sign(claims)), "claims")
      const strange = yield* JwtSigner.make({ keys: pkcs8(stranger), issuer })
      assert.strictEqual(yield* reasonOf(yield* strange.sign(claims)), "unknownKey")
      yield* TestClock.adjust("1 hour")
      const later = yield* sign(claims)
      yield* TestClock.setTime(0)
      assert.strictEqual(yield* reasonOf(later), "claims")
    }),
  )

  it.effect("is refused when altered, unsigned or signed by another algorithm", () =>
    Effect.gen(function* () {
      const token = yield* (yield* signer).sign(claims)
      const { verify } = yield* verifier
      const [head = "", body = "", signature = ""] = token.split(".")
      const kid = (yield* signer).publicKeys[0]?.kid ?? ""
      const header = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")
      const hmac = yield* Effect.promise(() =>
        new SignJWT({ sub: "usr_1", iss: issuer, aud: "page", iat: 0, exp: 900 })
          .setProtectedHeader({ alg: "HS256", kid, typ: "JWT" })
          .sign(pair.publicKey.export({ format: "der", type: "spki" })),
      )
      const forged = [
        `${head}.${Buffer.from(JSON.stringify({ sub: "root" })).toString("base64url")}.${signature}`,
        `${head}.${body}.${stranger.publicKey.export({ format: "jwk" }).x}`,
        `${header({ alg: "none", kid, typ: "JWT" })}.${body}.`,
        `${header({ alg: "EdDSA", kid: "", typ: "JWT" })}.${body}.${signature}`,
        hmac,
        "",
        "a.b.c",
        "x".repeat(10_000),
      ]
      for (const each of forged)
        assert.strictEqual((yield* Effect.flip(verify(each, "page")))._tag, "TokenInvalid", each)
    }),
  )
})

describe("keys", () => {
  it.effect("the first of a set signs, all of it is published and accepted", () =>
    Effect.gen(function* () {
      const before = yield* JwtSigner.make({ keys: jwks({ kid: "a", pair }), issuer })
      const after = yield* JwtSigner.make({ keys: jwks({ kid: "b", pair: stranger }, { kid: "a", pair }), issuer })
      assert.deepStrictEqual(
        after.publicKeys.map(({ kid }) => kid),
        ["b", "a"],
      )
      const published = JSON.stringify({ keys: after.publicKeys })
      assert.notInclude(published, '"d"')
      const { verify } = yield* JwtVerifier.make({ keys: Redacted.make(published), issuer })
      assert.strictEqual((yield* verify(yield* before.sign(claims), "page")).keyId, "a")
      assert.strictEqual((yield* verify(yield* after.sign(claims), "page")).keyId, "b")
    }),
  )

  it.effect("that cannot be used are a configuration error that names the variable and not the key", () =>
    Effect.gen(function* () {
      const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey
      const materials = [
        "c2VjcmV0",
        "{}",
        JSON.stringify({ keys: [] }),
        JSON.stringify({ keys: [rsa.export({ format: "jwk" })] }),
        rsa.export({ format: "der", type: "pkcs8" }).toString("base64"),
        Redacted.value(spki(pair)),
      ]
      for (const material of materials) {
        const { message } = yield* Effect.flip(Effect.provide(JwtSigner, JwtSigner.layerConfig({ issuer }))).pipe(
          Effect.provideService(
            ConfigProvider.ConfigProvider,
            ConfigProvider.fromUnknown({ TOKEN_SIGNING_KEYS: material }),
          ),
        )
        assert.match(message, /TOKEN_SIGNING_KEYS is malformed: expected/)
        assert.notInclude(message, material)
      }
    }),
  )
})
