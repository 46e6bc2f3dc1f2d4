/** Access tokens as somebody makes them who has the public keys alone. */
import { createHmac, createPublicKey, generateKeyPairSync, sign } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Sealer } from "#shared/crypto/Sealer.ts"
import { TestDatabase } from "#shared/testing/TestDatabase.ts"
import { TransactionStore } from "../database/TransactionStore.ts"
import { SessionId } from "../sessions/Session.ts"
import { UserId } from "../users/User.ts"
import { AccessTokens } from "./AccessTokens.ts"
import { SigningKeyStore } from "./SigningKeyStore.ts"
import { SigningKeys } from "./SigningKeys.ts"

const keys = SigningKeys.layer("tests").pipe(
  Layer.provide(Sealer.layer([{ id: "key", key: Redacted.make(new Uint8Array(32).fill(1)) }])),
  Layer.provide([SigningKeyStore.layer, TransactionStore.layer]),
)
const tokensFor = (audience: string) => Layer.fresh(AccessTokens.layer({ audience }))

const program = tokensFor("here").pipe(Layer.provideMerge(keys), Layer.provideMerge(TestDatabase.sql("identity")))

const userId = UserId.make("01890a5d-ac96-774b-bcce-b302099a8057")
const sessionId = SessionId.make("01890a5d-ac96-774b-bcce-b302099a8058")

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url")
const decode = (part: string): object => JSON.parse(Buffer.from(part, "base64url").toString())

const stranger = generateKeyPairSync("ed25519")
const strangerJwk = stranger.publicKey.export({ format: "jwk" })

/** A good token, and the parts that it is made of. */
const issued = Effect.gen(function* () {
  const { issue } = yield* AccessTokens
  const token = Redacted.value((yield* issue(userId, sessionId)).token)
  const [head = "", body = "", signature = ""] = token.split(".")
  return { token, header: decode(head), body, signature }
})

const judged = (token: string) =>
  Effect.flatMap(AccessTokens, ({ verify }) => Effect.result(verify(Redacted.make(token))))

layer(program, { excludeTestServices: true })("an access token", (it) => {
  it.effect("is good as it was given out", () =>
    Effect.gen(function* () {
      const { token, header } = yield* issued
      assert.hasAllKeys(header, ["alg", "kid", "typ"])
      const verdict = yield* judged(token)
      assert.strictEqual(verdict._tag, "Success")
    }),
  )

  it.effect("is not signed with the public key as a secret, in whatever form", () =>
    Effect.gen(function* () {
      const { header, body } = yield* issued
      const { ring } = yield* SigningKeys
      const [jwk] = (yield* ring).publicKeys
      if (jwk === undefined) return assert.fail("there is no key")
      const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: jwk.x }, format: "jwk" })
      const secrets = [
        ...[jwk.x, Buffer.from(jwk.x, "base64url"), JSON.stringify(jwk)],
        ...[key.export({ format: "pem", type: "spki" }), key.export({ format: "der", type: "spki" })],
      ]
      for (const secret of secrets) {
        for (const [alg, hash] of [
          ["HS256", "sha256"],
          ["HS384", "sha384"],
          ["HS512", "sha512"],
        ] as const) {
          const signed = `${encode({ ...header, alg })}.${body}`
          const verdict = yield* judged(`${signed}.${createHmac(hash, secret).update(signed).digest("base64url")}`)
          assert.strictEqual(verdict._tag, "Failure", alg)
        }
      }
    }),
  )

  it.effect("brings no algorithm and no key of its own", () =>
    Effect.gen(function* () {
      const { header, body, signature } = yield* issued
      const unsigned = ["none", "None", "NONE", "nOnE", "", null].map((alg) => ({ ...header, alg }))
      const foreign = [
        ...[{}, { jwk: strangerJwk }, { jku: "https://stranger.example/jwks.json" }, { kid: "sig_unknown" }],
        ...[{ kid: undefined, jwk: strangerJwk }, { alg: "Ed25519", jwk: strangerJwk }, { crit: ["exp"] }],
      ].map((more) => ({ ...header, ...more }))
      for (const each of [...unsigned, ...foreign]) {
        const signed = `${encode(each)}.${body}`
        const theirs = sign(null, Buffer.from(signed), stranger.privateKey).toString("base64url")
        for (const end of ["", signature, theirs]) {
          // What is signed and changed in nothing but how it is written would be the token itself.
          if (end === signature && encode(each) === encode(header)) continue
          const verdict = yield* judged(`${signed}.${end}`)
          assert.strictEqual(verdict._tag, "Failure", JSON.stringify(each))
        }
      }
    }),
  )

  it.effect("is good for one audience, and unchanged", () =>
    Effect.gen(function* () {
      const { token, header, body, signature } = yield* issued
      const elsewhere = yield* Effect.provide(judged(token), tokensFor("elsewhere"))
      assert.strictEqual(elsewhere._tag, "Failure")
      for (const change of [{ sub: sessionId }, { sid: userId }, { exp: 4_102_444_800 }, { aud: ["here", "there"] }]) {
        const verdict = yield* judged(`${encode(header)}.${encode({ ...decode(body), ...change })}.${signature}`)
        assert.strictEqual(verdict._tag, "Failure", JSON.stringify(change))
      }
      const others = [`${token}.`, `${token}.x`, token.slice(0, -2), "..", "a.b.c", ""]
      for (const text of others) assert.strictEqual((yield* judged(text))._tag, "Failure", text)
    }),
  )
})
