import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { addOthers, both, changes, given, running, sawNoSecret, token } from "./fixtures/command.ts"

it.live("installs in every organisation, beside what others have there, and a second time changes nothing", () =>
  Effect.gen(function* () {
    const { run, world, organizations } = yield* given("Nova", "Acme", "Closed")
    const [nova, acme, closed] = organizations
    if (nova === undefined || acme === undefined || closed === undefined) return assert.fail("no organisations")
    closed.state = "ORG_STATE_INACTIVE"
    addOthers(acme)

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
    world.troubles.push({ at: new RegExp(`^GET /management/v1/flows/2 ${acme.id}`), status: 500, left: 1 })
    const dry = yield* run("install", "--dry-run")
    assert.deepStrictEqual([dry.code, dry.output.includes(`✗ Acme (${acme.id}): Zitadel is away: 500`)], [1, true])

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
    const twice = yield* run("install", "--yes", "--org", nova.id, "--org", nova.id)
    assert.deepStrictEqual([twice.code, twice.output.includes("Changed 1 organisation.")], [0, true])
    assert.deepStrictEqual([running(nova, "4"), running(acme, "4")], [both, []])
    assert.strictEqual((yield* run("install", "--yes", "--org", acme.id)).code, 1)
  }).pipe(Effect.scoped),
)

it.live("takes away what it installed, and leaves what others have there", () =>
  Effect.gen(function* () {
    const { run, world, organizations } = yield* given("Nova")
    const [nova] = organizations
    if (nova === undefined) return assert.fail("no organisation")
    addOthers(nova)
    yield* run("install", "--yes")
    const uninstalled = yield* run("uninstall", "--yes")
    assert.strictEqual(uninstalled.code, 0)
    assert.deepStrictEqual([running(nova, "4"), running(nova, "5"), nova.actions.size], [["theirs"], [], 1])
    world.calls.length = 0
    assert.include((yield* run("uninstall", "--yes")).output, "Nothing to change.")
    assert.deepStrictEqual(changes(world.calls), [])
  }).pipe(Effect.scoped),
)
