import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { call, signedUp } from "../testing/EndUsers.ts"
import { request } from "../testing/TestClient.ts"
import { applicationId, forgedToken, fromProxy, instanceEnvironment, running } from "../testing/TestIdentity.ts"

const signUp = signedUp("tenant-tokens.test")

layer(running(instanceEnvironment), { excludeTestServices: true })("the tokens of an instance", (it) => {
  it.effect("are refused with 401 where they are missing, forged or expired", () =>
    Effect.gen(function* () {
      const { session, refreshToken } = yield* signUp("leslie")
      const { "x-authsome-identity": identity } = yield* fromProxy()
      const expired = { claims: { iat: 1_700_000_000, nbf: 1_700_000_000, exp: 1_700_000_900 } }
      const bad = {
        missing: undefined,
        empty: "",
        nonsense: "nonsense",
        "a refresh token": refreshToken,
        "the identity of a key": identity,
        expired: yield* forgedToken(session, expired),
        "signed by nobody": yield* forgedToken(session, { header: { alg: "none" }, signature: "none" }),
        "signed by a stranger": yield* forgedToken(session, { signature: "another key" }),
        "signed with the public key": yield* forgedToken(session, {
          header: { alg: "HS256" },
          signature: "public key as secret",
        }),
        "signed by an unknown key": yield* forgedToken(session, { header: { kid: "sig_unknown" } }),
        "for another application": yield* forgedToken(session, { claims: { aud: "app_otherotherother22" } }),
      }
      for (const [why, token] of Object.entries(bad)) {
        const { status, json } = yield* call("GET", "/session", token === undefined ? {} : { session: token })
        assert.deepStrictEqual(
          [status, json.error.code, json.error.reason],
          [401, "unauthorized", "unauthenticated"],
          why,
        )
      }
      assert.strictEqual((yield* call("GET", "/session", { session })).status, 200)
    }),
  )

  it.effect("can be checked with the keys that it publishes", () =>
    Effect.gen(function* () {
      const { session } = yield* signUp("kathleen")
      const { status, json } = yield* request("GET", "/.well-known/jwks.json")
      assert.strictEqual(status, 200)
      const { kid } = JSON.parse(Buffer.from(session.split(".")[0] ?? "", "base64url").toString())
      assert.deepStrictEqual(Object.keys(json.keys[0]).sort(), ["alg", "crv", "kid", "kty", "use", "x"])
      assert.include(json.keys[0], { kid, kty: "OKP", crv: "Ed25519", alg: "EdDSA", use: "sig" })
      const { json: discovery } = yield* request("GET", "/.well-known/openid-configuration")
      assert.deepInclude(discovery, {
        issuer: applicationId,
        response_types_supported: [],
        id_token_signing_alg_values_supported: ["EdDSA"],
      })
      assert.notProperty(discovery, "jwks_uri")
    }),
  )
})
