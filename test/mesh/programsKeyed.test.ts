/** Programs that know one another by a key, also while another key takes its place. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { UsageService } from "#gen/authsome/billing/v1/usage_pb.ts"
import * as Client from "#shared/rpc/client/Client.ts"
import * as MeshChannel from "#shared/rpc/client/MeshChannel.ts"
import { keyed } from "#shared/testing/meshSettings.ts"
import { everyProgram, Programs, start } from "./Programs.ts"
import { statusOfUsage } from "./usage.ts"

const workspaceId = `ws_${"a".repeat(26)}`
const before = "the-key-that-was-there-before"
const after = "the-key-that-takes-its-place"

layer(Programs.layer, { excludeTestServices: true })("programs with a key", (it) => {
  it.effect(
    "show the first of two and take both, so that one can replace the other without a stop",
    () =>
      Effect.gen(function* () {
        const billing = yield* start("billing", { INTERNAL_GRPC_API_KEY: `${before}, ${after}` })
        yield* billing.ready
        for (const shown of [`${before},${after}`, `${after},${before}`]) {
          const controlPlane = yield* start("control-plane", {
            INTERNAL_GRPC_API_KEY: shown,
            BILLING_GRPC_URL: billing.mesh.cleartext.href,
          })
          yield* controlPlane.ready
          assert.strictEqual(yield* statusOfUsage(controlPlane.http), 200)
        }

        const usage = Effect.fnUntraced(function* (keys: ReadonlyArray<string>) {
          const identity = keyed(...keys.map((key) => Redacted.make(key)))
          const channel = yield* MeshChannel.make({ url: billing.mesh.cleartext, peer: "control-plane", identity })
          return yield* Client.make(UsageService, channel).getUsage({ workspaceId })
        }, Effect.scoped)
        yield* usage([after, "a-key-of-which-nobody-knows"])
        for (const refused of [
          [],
          ["a-key-of-which-nobody-knows", after],
          [before.slice(0, -1)],
          [`${before},${after}`],
        ]) {
          assert.strictEqual((yield* Effect.flip(usage(refused)))._tag, "Unauthenticated")
        }
        assert.notInclude(yield* billing.output, "MESH_AUTH")
      }).pipe(Effect.scoped),
    60_000,
  )

  it.effect.each(everyProgram)(
    "ask for none where they are told so, and warn of it: %s",
    (program) =>
      Effect.gen(function* () {
        const { mesh, ready, output } = yield* start(program, { MESH_AUTH: "none" })
        yield* ready
        if (program === "billing") {
          const channel = yield* MeshChannel.make({ url: mesh.cleartext, peer: "control-plane", identity: keyed() })
          yield* Client.make(UsageService, channel).getUsage({ workspaceId })
        }
        const [warning, ...others] = (yield* output).split("\n").filter((line) => line.includes("MESH_AUTH"))
        assert.deepInclude(JSON.parse(warning ?? "{}"), { level: "warn" })
        assert.deepStrictEqual(others, [])
      }).pipe(Effect.scoped),
    60_000,
  )
})
