import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { changes, folder, given, mode } from "./fixtures/command.ts"

it.live("sets up version 2: a target at both functions, and its signing key in a file of its own", () =>
  Effect.gen(function* () {
    const { run, world } = yield* given("Nova")
    world.targets.set("1", {
      ...{ id: "1", name: "theirs", endpoint: "https://example.com", timeout: "1s", restCall: {}, signingKey: "x" },
      payloadType: "PAYLOAD_TYPE_JSON",
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

    world.targets.set(target.id, { ...target, payloadType: "PAYLOAD_TYPE_JWT", endpoint: "https://example.com" })
    const changed = yield* v2()
    assert.include(changed.output, "update the target nova-claims (endpoint, payloadType)")
    assert.deepStrictEqual(world.targets.get(target.id), target)

    const kept = yield* v2("--rotate-signing-key", "--signing-key-file", file)
    assert.deepStrictEqual([kept.code, kept.errors.includes("is there already")], [1, true])
    const other = `${file}-2`
    assert.strictEqual((yield* v2("--rotate-signing-key", "--signing-key-file", other)).code, 0)
    assert.notStrictEqual(readFileSync(other, "utf8"), readFileSync(file, "utf8"))

    assert.strictEqual((yield* run("uninstall", "--api", "v2", "--yes")).code, 0)
    assert.deepStrictEqual([[...world.targets.keys()], [...world.executions.values()]], [["1"], [["1"], []]])
  }).pipe(Effect.scoped),
)
