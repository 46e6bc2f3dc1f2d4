import { assert, it } from "@effect/vitest"
import type * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { configSentence } from "../runtime/configSentence.ts"
import { type MeshIdentity, meshIdentity, meshIdentityIfAny, peerUrl } from "./MeshIdentity.ts"

type Environment = Readonly<Record<string, string>>

const certificate = { MESH_CERT_FILE: "cert", MESH_KEY_FILE: "key", MESH_CA_FILE: "ca" }
const certificateFiles = { cert: "cert", key: "key", ca: "ca" }
const [before, after] = ["the-key-that-was-there-before", "the-key-that-takes-its-place"]

/** What the environment says, or the sentence that refuses it. */
const read = <A>(config: Config.Config<A>, environment: Environment) =>
  Effect.catch(config, configSentence).pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: { ...environment } })),
  )

const shown = (identity: MeshIdentity | string) =>
  typeof identity === "string" ? identity : { ...identity, keys: identity.keys.map(Redacted.value) }

const nothing = { keys: [], certificateFiles: undefined, open: false }

it.effect.each([
  ["one key", { INTERNAL_GRPC_API_KEY: before }, { ...nothing, keys: [before] }],
  ["two keys", { INTERNAL_GRPC_API_KEY: `${before}, ${after}` }, { ...nothing, keys: [before, after] }],
  ["a certificate", certificate, { ...nothing, certificateFiles }],
  ["both", { ...certificate, INTERNAL_GRPC_API_KEY: before }, { keys: [before], certificateFiles, open: false }],
  ["neither, explicitly", { MESH_AUTH: "none" }, { ...nothing, open: true }],
  ["neither", {}, "INTERNAL_GRPC_API_KEY is missing"],
  ["an empty key", { INTERNAL_GRPC_API_KEY: "" }, "INTERNAL_GRPC_API_KEY is missing"],
  ["two keys, one of them empty", { INTERNAL_GRPC_API_KEY: `${before},` }, "INTERNAL_GRPC_API_KEY is malformed"],
  ["a short key", { ...certificate, INTERNAL_GRPC_API_KEY: "hunter2" }, "INTERNAL_GRPC_API_KEY is malformed"],
  ["no certificate", { MESH_KEY_FILE: "key", MESH_CA_FILE: "ca" }, "MESH_CERT_FILE is missing"],
  ["no key of it", { MESH_CERT_FILE: "cert", INTERNAL_GRPC_API_KEY: before }, "MESH_KEY_FILE is missing"],
  ["nobody to believe", { ...certificate, MESH_CA_FILE: "" }, "MESH_CA_FILE is missing"],
  ["half of it, and openness", { MESH_CERT_FILE: "cert", MESH_AUTH: "none" }, "MESH_KEY_FILE is missing"],
  ["another word", { MESH_AUTH: "hunter2", INTERNAL_GRPC_API_KEY: before }, "MESH_AUTH is malformed"],
] as const)("programs know one another by what they are told: %s", ([, environment, expected]) =>
  Effect.gen(function* () {
    for (const config of [meshIdentity, meshIdentityIfAny]) {
      const found = shown(yield* read(config, environment))
      const mayBeAlone = config === meshIdentityIfAny && expected === "INTERNAL_GRPC_API_KEY is missing"
      if (mayBeAlone) assert.deepStrictEqual(found, nothing)
      else if (typeof found === "string") assert.isTrue(found.startsWith(String(expected)), found)
      else assert.deepStrictEqual<unknown>(found, expected)
      assert.notInclude(JSON.stringify(found), "hunter2")
    }
  }),
)

it.effect("a URL without TLS is refused only where there is a certificate to show", () =>
  Effect.gen(function* () {
    const href = (environment: Environment, url: string) =>
      Effect.map(read(peerUrl("BILLING_URL"), { ...environment, BILLING_URL: url }), String)
    for (const url of ["https://billing:9084/", "dns:///billing:9084"]) {
      assert.strictEqual(yield* href({}, url), url)
      assert.strictEqual(yield* href(certificate, url), url)
    }
    const plain = "http://billing:9084/"
    assert.strictEqual(yield* href({}, plain), plain)
    const refusal = "BILLING_URL is malformed: expected a URL that begins with https:// or dns://"
    assert.strictEqual(yield* href(certificate, plain), refusal)
    assert.include(yield* href({}, "billing:9084"), "BILLING_URL is malformed")
  }),
)
