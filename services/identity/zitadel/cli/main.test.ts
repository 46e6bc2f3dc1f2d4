import { spawn } from "node:child_process"
import { generateKeyPairSync } from "node:crypto"
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { addOrganization, nextId, type StandInOrganization } from "../testing/StandInWorld.ts"
import { type ZitadelStandIn, zitadelStandIn } from "../testing/ZitadelStandIn.ts"

interface Ended {
  readonly code: number | null
  readonly output: string
  readonly errors: string
}

type Environment = Readonly<Record<string, string>>

/** Runs the command as a shell would, with nobody to ask. */
const command = (args: ReadonlyArray<string>, env: Environment = {}): Effect.Effect<Ended> =>
  Effect.callback((resume) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, "main.ts"), ...args], {
      env: { NO_COLOR: "1", ...env },
      cwd: import.meta.dirname,
      stdio: ["ignore", "pipe", "pipe"],
    })
    let [output, errors] = ["", ""]
    child.stdout.on("data", (piece) => {
      output += piece
    })
    child.stderr.on("data", (piece) => {
      errors += piece
    })
    child.once("close", (code) => resume(Effect.succeed({ code, output, errors })))
    return Effect.sync(() => child.kill("SIGKILL"))
  })

const token = "the-token-of-the-tests"
const internalKey = "the-internal-key-of-the-tests"

const environment = ({ url }: ZitadelStandIn): Environment => ({
  ZITADEL_URL: url.origin,
  ZITADEL_TOKEN: token,
  IDENTITY_SERVICE_URL: "http://identity-service:8081",
  INTERNAL_API_KEY: internalKey,
})

/** A Zitadel with these organisations, and how the command is run against it. */
const given = Effect.fnUntraced(function* (...names: ReadonlyArray<string>) {
  const zitadel = yield* zitadelStandIn
  zitadel.world.tokens.set(token, "instance")
  const organizations = names.map((name) => addOrganization(zitadel.world, name))
  const run = (...args: ReadonlyArray<string>) => command(args, environment(zitadel))
  return { ...zitadel, organizations, run }
})

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "zitadel-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true })),
)

const mode = (file: string) => statSync(file).mode & 0o777

/** The names of the actions of a trigger, in their order. */
const running = ({ actions, triggers }: StandInOrganization, trigger: string) =>
  (triggers.get(trigger) ?? []).map((id) => actions.get(id)?.name)

const both = ["nova_claims_enrichment", "nova_claims_fallback"]

const changes = (calls: ReadonlyArray<string>) => calls.filter((call) => !/^GET|_search|\/search/.test(call))

const sawNoSecret = ({ output, errors }: Ended) => {
  for (const secret of [token, internalKey]) assert.notInclude(output + errors, secret)
}

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

it.live("installs in every organisation, beside what others have there, and a second time changes nothing", () =>
  Effect.gen(function* () {
    const { run, world, organizations } = yield* given("Nova", "Acme", "Closed")
    const [nova, acme, closed] = organizations
    if (nova === undefined || acme === undefined || closed === undefined) return assert.fail("no organisations")
    closed.state = "ORG_STATE_INACTIVE"
    const other = nextId()
    acme.actions.set(other, {
      ...{ id: other, name: "theirs", script: "function theirs(){}", timeout: "3s", allowedToFail: true },
      state: "ACTION_STATE_ACTIVE",
    })
    acme.triggers.set("4", [other])

    const dry = yield* run("install", "--dry-run")
    assert.deepStrictEqual([dry.code, changes(world.calls)], [0, []])
    assert.include(
      dry.output,
      "run nova_claims_enrichment, nova_claims_fallback at Pre Userinfo creation, after 1 of others",
    )
    const unasked = yield* run("install")
    assert.deepStrictEqual([unasked.code, changes(world.calls)], [2, []])
    assert.include(unasked.errors, "--yes")

    const first = yield* run("install", "--yes")
    assert.deepStrictEqual([first.code, first.errors], [0, ""])
    assert.include(first.output, "Changed 2 organisations.")
    assert.include(first.output, `Closed (${closed.id}): not active`)
    assert.strictEqual(closed.actions.size, 0)
    assert.deepStrictEqual([running(nova, "4"), running(nova, "5")], [both, both])
    assert.deepStrictEqual([running(acme, "4"), running(acme, "5")], [["theirs", ...both], both])
    for (const { script, timeout, allowedToFail } of nova.actions.values()) {
      assert.include(script, "nova_claims")
      assert.deepStrictEqual([timeout, allowedToFail], ["1s", true])
    }

    world.calls.length = 0
    const second = yield* run("install", "--yes")
    assert.deepStrictEqual([second.code, changes(world.calls)], [0, []])
    assert.include(second.output, "Nothing to change.")
    assert.strictEqual((yield* run("status")).code, 0)
    for (const ended of [dry, unasked, first, second]) sawNoSecret(ended)
  }).pipe(Effect.scoped),
)

it.live("brings up to date what differs, wakes what sleeps and puts the order right", () =>
  Effect.gen(function* () {
    const { run, world, organizations } = yield* given("Nova")
    const [nova] = organizations
    if (nova === undefined) return assert.fail("no organisation")
    yield* run("install", "--yes")
    const [enrichment, fallback] = [...nova.actions.values()]
    if (enrichment === undefined || fallback === undefined) return assert.fail("no actions")
    nova.actions.set(enrichment.id, { ...enrichment, script: "function nova_claims_enrichment(){}", timeout: "10s" })
    nova.actions.set(fallback.id, { ...fallback, state: "ACTION_STATE_INACTIVE" })
    nova.triggers.set("5", [fallback.id, enrichment.id])
    world.calls.length = 0

    const status = yield* run("status")
    assert.strictEqual(status.code, 1)
    assert.include(status.output, "update nova_claims_enrichment (script, timeout)")
    assert.include(status.output, "activate nova_claims_fallback")
    assert.deepStrictEqual(changes(world.calls), [])

    assert.strictEqual((yield* run("install", "--yes")).code, 0)
    assert.deepStrictEqual(nova.actions.get(enrichment.id), enrichment)
    assert.deepStrictEqual(nova.actions.get(fallback.id), fallback)
    assert.deepStrictEqual(running(nova, "5"), both)
  }).pipe(Effect.scoped),
)

it.live("tells which organisations failed, and completes them the next time", () =>
  Effect.gen(function* () {
    const { run, world, organizations } = yield* given("Nova", "Acme")
    const [nova, acme] = organizations
    if (nova === undefined || acme === undefined) return assert.fail("no organisations")
    world.troubles.push({ at: new RegExp(`^POST /management/v1/flows/2/trigger/5 ${nova.id}`), status: 503, left: 1 })
    const first = yield* run("install", "--yes")
    assert.deepStrictEqual([first.code, first.errors], [1, "✗ 1 organisation failed; the next run completes it\n"])
    assert.include(first.output, `✗ Nova (${nova.id}): Zitadel is away: 503`)
    assert.include(first.output, `✓ Acme (${acme.id})`)
    assert.deepStrictEqual([running(nova, "4"), running(nova, "5")], [both, []])

    const second = yield* run("install", "--yes")
    assert.strictEqual(second.code, 0)
    assert.include(second.output, "Changed 1 organisation.")
    assert.deepStrictEqual(running(nova, "5"), both)
  }).pipe(Effect.scoped),
)

it.live("finds every organisation, however many pages there are", () =>
  Effect.gen(function* () {
    const { run, world } = yield* given(...Array.from({ length: 203 }, (_, index) => `Customer ${index}`))
    const dry = yield* run("install", "--dry-run")
    assert.strictEqual(dry.output.match(/create nova_claims_fallback/g)?.length, 203)
    assert.strictEqual(world.calls.filter((call) => call.includes("/orgs/_search")).length, 3)
  }).pipe(Effect.scoped),
)

it.live("restricts itself to organisations, with a token that may do no more", () =>
  Effect.gen(function* () {
    const { run, world, organizations } = yield* given("Nova", "Acme")
    const [nova, acme] = organizations
    if (nova === undefined || acme === undefined) return assert.fail("no organisations")
    world.tokens.set(token, { organization: nova.id })
    const all = yield* run("install", "--yes")
    assert.deepStrictEqual([all.code, all.output.includes("✓")], [1, false])
    assert.match(all.errors, /^✗ Zitadel does not let this token do POST \/admin\/v1\/orgs\/_search: .*\n$/)
    assert.strictEqual((yield* run("install", "--yes", "--org", nova.id)).code, 0)
    assert.deepStrictEqual([running(nova, "4"), running(acme, "4")], [both, []])
    assert.strictEqual((yield* run("install", "--yes", "--org", acme.id)).code, 1)
  }).pipe(Effect.scoped),
)

it.live("takes away what it installed, and leaves what others have there", () =>
  Effect.gen(function* () {
    const { run, world, organizations } = yield* given("Nova")
    const [nova] = organizations
    if (nova === undefined) return assert.fail("no organisation")
    const other = nextId()
    nova.actions.set(other, {
      ...{ id: other, name: "theirs", script: "function theirs(){}", timeout: "3s", allowedToFail: true },
      state: "ACTION_STATE_ACTIVE",
    })
    nova.triggers.set("4", [other])
    yield* run("install", "--yes")
    const uninstalled = yield* run("uninstall", "--yes")
    assert.strictEqual(uninstalled.code, 0)
    assert.deepStrictEqual([running(nova, "4"), running(nova, "5"), nova.actions.size], [["theirs"], [], 1])
    world.calls.length = 0
    assert.include((yield* run("uninstall", "--yes")).output, "Nothing to change.")
    assert.deepStrictEqual(changes(world.calls), [])
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
    assert.include((yield* status).errors, "✗ Zitadel does not take the token")
    zitadel.world.serviceAccounts.set("k1", {
      userId: "u1",
      publicKey: String(publicKey.export({ format: "pem", type: "spki" })),
    })
    assert.include((yield* status).errors, "1 organisation not complete")
  }).pipe(Effect.scoped),
)

it.live("sets up version 2: a target at both functions, and its signing key in a file of its own", () =>
  Effect.gen(function* () {
    const { run, world } = yield* given("Nova")
    world.targets.set("1", {
      ...{ id: "1", name: "theirs", endpoint: "https://example.com", timeout: "1s", restCall: {}, signingKey: "x" },
    })
    world.executions.set("preuserinfo", ["1"])
    const file = join(yield* folder, "signing-key")
    const v2 = (...args: ReadonlyArray<string>) => run("install", "--api", "v2", "--yes", ...args)

    assert.strictEqual((yield* v2()).code, 2)
    assert.deepStrictEqual(changes(world.calls), [])
    const first = yield* v2("--signing-key-file", file)
    assert.strictEqual(first.code, 0, first.errors)
    const target = [...world.targets.values()].find(({ name }) => name === "nova-claims")
    if (target === undefined) return assert.fail("no target")
    assert.deepStrictEqual(
      [target.endpoint, target.timeout, target.restCall],
      ["http://identity-service:8081/internal/zitadel/append-claims", "2s", {}],
    )
    assert.deepStrictEqual(world.executions.get("preuserinfo"), ["1", target.id])
    assert.deepStrictEqual(world.executions.get("preaccesstoken"), [target.id])
    assert.deepStrictEqual([readFileSync(file, "utf8"), mode(file)], [`${target.signingKey}\n`, 0o600])
    assert.notInclude(first.output + first.errors, target.signingKey)

    world.calls.length = 0
    assert.include((yield* v2()).output, "Nothing to change.")
    assert.deepStrictEqual(changes(world.calls), [])
    assert.strictEqual((yield* run("status", "--api", "v2")).code, 0)

    const kept = yield* v2("--rotate-signing-key", "--signing-key-file", file)
    assert.deepStrictEqual([kept.code, kept.errors.includes("is there already")], [1, true])
    const other = `${file}-2`
    assert.strictEqual((yield* v2("--rotate-signing-key", "--signing-key-file", other)).code, 0)
    assert.notStrictEqual(readFileSync(other, "utf8"), readFileSync(file, "utf8"))

    assert.strictEqual((yield* run("uninstall", "--api", "v2", "--yes")).code, 0)
    assert.deepStrictEqual([[...world.targets.keys()], [...world.executions.values()]], [["1"], [["1"], []]])
  }).pipe(Effect.scoped),
)

it.live("says in one sentence what cannot be done, and exits with 1", () =>
  Effect.gen(function* () {
    const zitadel = yield* given("Nova")
    const { run, world } = zitadel
    world.hasVersion2 = false
    const failures = [
      ["✗ Zitadel does not take the token\n", command(["status"], { ...environment(zitadel), ZITADEL_TOKEN: "wrong" })],
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
      command(["pack"], { ...environment(zitadel), INTERNAL_API_KEY: "old,new" }),
    ]
    for (const [index, ended] of wrong.entries()) assert.strictEqual((yield* ended).code, 2, `case ${index}`)
  }).pipe(Effect.scoped),
)
