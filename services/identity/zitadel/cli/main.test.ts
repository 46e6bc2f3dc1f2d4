import { generateKeyPairSync } from "node:crypto"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { addOrganization } from "../testing/StandInWorld.ts"
import { zitadelStandIn } from "../testing/ZitadelStandIn.ts"
import { command, environment, folder, given, mode, sawNoSecret, token } from "./fixtures/command.ts"

it.live("makes the pack as files that only their owner can read, or prints it", () =>
  Effect.gen(function* () {
    const { run } = yield* given()
    const out = join(yield* folder, "pack")
    const written = yield* run("pack", "--out", out)
    assert.strictEqual(written.code, 0)
    assert.deepStrictEqual(readdirSync(out), ["nova_claims_enrichment.js", "nova_claims_fallback.js"])
    for (const name of readdirSync(out)) assert.strictEqual(mode(join(out, name)), 0o600)
    assert.match(written.output, /nova_claims_enrichment: \d+ bytes, of 40000/)
    assert.include(written.errors, "holds the internal key")
    sawNoSecret(written)

    const printed = yield* run("pack")
    for (const name of readdirSync(out)) assert.include(printed.output, readFileSync(join(out, name), "utf8"))
    assert.match(printed.errors, /nova_claims_fallback: \d+ bytes, of 40000/)
  }).pipe(Effect.scoped),
)

it.live("takes the key from a file, and never as an argument", () =>
  Effect.gen(function* () {
    const keyFile = join(yield* folder, "key")
    writeFileSync(keyFile, "the-key-of-a-file\n")
    const url = ["--identity-url", "http://identity-service:8081"]
    const made = yield* command(["pack", ...url, "--key-file", keyFile])
    assert.include(made.output, '"the-key-of-a-file"')
    assert.strictEqual((yield* command(["pack", ...url, "--key", "a-key"])).code, 2)
  }).pipe(Effect.scoped),
)

it.live("shows who it is with the key of a service account", () =>
  Effect.gen(function* () {
    const zitadel = yield* zitadelStandIn
    addOrganization(zitadel.world, "Nova")
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
    const file = join(yield* folder, "key.json")
    const key = privateKey.export({ format: "pem", type: "pkcs1" })
    writeFileSync(file, JSON.stringify({ type: "serviceaccount", keyId: "k1", userId: "u1", key }))
    const { ZITADEL_TOKEN: _, ...others } = environment(zitadel)
    const status = command(["status", "--service-account-file", file], others)
    assert.include((yield* status).errors, `✗ Zitadel does not take who we say we are: the key of ${file} (400)`)
    zitadel.world.serviceAccounts.set("k1", {
      userId: "u1",
      publicKey: String(publicKey.export({ format: "pem", type: "spki" })),
    })
    assert.include((yield* status).errors, "1 organisation not complete")
  }).pipe(Effect.scoped),
)

it.live("says in one sentence what cannot be done, and exits with 1", () =>
  Effect.gen(function* () {
    const zitadel = yield* given("Nova")
    const { run, world } = zitadel
    world.hasVersion2 = false
    const failures = [
      [
        "✗ Zitadel does not take who we say we are: 401 Errors.Token.Invalid (AUTH-7fs1e)\n",
        command(["status"], { ...environment(zitadel), ZITADEL_TOKEN: "wrong" }),
      ],
      [
        "✗ Zitadel does not take who we say we are: the token is not one word of ASCII\n",
        command(["status"], { ...environment(zitadel), ZITADEL_TOKEN: `${token}\nx-other: header` }),
      ],
      ["✗ Zitadel has no organisation 7\n", run("install", "--yes", "--org", "7")],
      [
        "✗ Zitadel is away: http://127.0.0.1:1 cannot be reached (",
        run("status", "--zitadel-url", "http://127.0.0.1:1"),
      ],
      ["it needs 4.0 or later; use --api v1\n", run("status", "--api", "v2")],
    ] as const
    for (const [sentence, ended] of failures) {
      const { code, errors, output } = yield* ended
      assert.include(errors, sentence)
      assert.deepStrictEqual([code, errors.trim().split("\n").length], [1, 1], sentence)
      assert.notInclude(errors + output, token)
    }
  }).pipe(Effect.scoped),
)

it.live("helps, with 0 where it is asked to and with 2 where it is called wrongly", () =>
  Effect.gen(function* () {
    const help = yield* command(["--help"])
    assert.strictEqual(help.code, 0)
    for (const name of ["pack", "install", "status", "uninstall", "--zitadel-url"]) assert.include(help.output, name)
    const zitadel = yield* given()
    const { ZITADEL_TOKEN: _, ...noToken } = environment(zitadel)
    const wrong = [
      command([]),
      command(["frob"]),
      command(["pack"]),
      command(["install", "--yes"], noToken),
      zitadel.run("install", "--api", "v3"),
      zitadel.run("install", "--zitadel-url", "zitadel"),
      zitadel.run("install", "--api", "v2", "--org", "1"),
      zitadel.run("install", "--rotate-signing-key"),
      zitadel.run("install", "--yes", "--org", ""),
      command(["pack"], { ...environment(zitadel), INTERNAL_API_KEY: "old,new" }),
      zitadel.run("install", "--api", "v2", "--identity-url", "http://:password@identity-service:8081"),
      zitadel.run("status", "--api", "v2", "--identity-url", "http://identity-service:8081/?key=1"),
    ]
    for (const [index, ended] of wrong.entries()) assert.strictEqual((yield* ended).code, 2, `case ${index}`)
  }).pipe(Effect.scoped),
)
