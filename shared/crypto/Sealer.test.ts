import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { Sealer, type SealingKey } from "./Sealer.ts"

const key = (id: string, byte: number): SealingKey => ({ id, key: Redacted.make(new Uint8Array(32).fill(byte)) })
const secret = Redacted.make("hunter2 äöü")

describe("sealed text", () => {
  it.effect("opens with its key for its place only", () =>
    Effect.gen(function* () {
      const sealer = yield* Sealer
      const text = yield* sealer.seal(secret, "row/1")
      assert.match(text, /^v1\.k1\.[A-Za-z0-9_-]+$/)
      assert.notStrictEqual(text, yield* sealer.seal(secret, "row/1"))
      assert.strictEqual(Redacted.value(yield* sealer.open(text, "row/1")), Redacted.value(secret))
      assert.strictEqual((yield* Effect.flip(sealer.open(text, "row/2")))._tag, "SealBroken")
      const stranger = yield* Effect.provide(Sealer, Sealer.layer([key("k1", 9)]))
      assert.strictEqual((yield* Effect.flip(stranger.open(text, "row/1")))._tag, "SealBroken")
    }).pipe(Effect.provide(Sealer.layer([key("k1", 1)]))),
  )

  it.effect("does not open when any part of it was altered", () =>
    Effect.gen(function* () {
      const sealer = yield* Sealer
      const text = yield* sealer.seal(secret, "row/1")
      const broken = [
        ...Array.from(
          text,
          (character, at) => text.slice(0, at) + (character === "A" ? "B" : "A") + text.slice(at + 1),
        ),
        text.slice(0, -4),
        text.replace("k1", "k2"),
        "v1.k1.",
        "",
      ]
      for (const each of broken) {
        // The last character of base64url may carry bits that belong to no byte.
        if (each.slice(0, -1) === text.slice(0, -1)) continue
        assert.strictEqual((yield* Effect.flip(sealer.open(each, "row/1")))._tag, "SealBroken", each)
      }
    }).pipe(Effect.provide(Sealer.layer([key("k1", 1), key("k2", 2)]))),
  )

  it.effect("survives the rotation of its key, and says that it is due", () =>
    Effect.gen(function* () {
      const old = yield* Effect.provide(Sealer, Sealer.layer([key("k1", 1)]))
      const rotated = yield* Effect.provide(Sealer, Sealer.layer([key("k2", 2), key("k1", 1)]))
      const text = yield* old.seal(secret, "row/1")
      assert.isFalse(old.needsResealing(text))
      assert.isTrue(rotated.needsResealing(text))
      assert.strictEqual(Redacted.value(yield* rotated.open(text, "row/1")), Redacted.value(secret))
    }),
  )
})

describe("SEALING_KEYS", () => {
  const from = (text: string) =>
    Effect.provide(Sealer, Sealer.layerConfig).pipe(
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown({ SEALING_KEYS: text })),
    )
  const base64 = Buffer.alloc(32, 7).toString("base64")

  it.effect("names the keys; the first one seals", () =>
    Effect.gen(function* () {
      const sealer = yield* from(`b:${base64}, a:${base64}`)
      assert.match(yield* sealer.seal(secret, ""), /^v1\.b\./)
    }),
  )

  it.effect("is refused when it is malformed, short or ambiguous, without being shown", () =>
    Effect.gen(function* () {
      for (const text of [
        "",
        "a",
        `a:${base64.slice(4)}`,
        `a:${base64},`,
        `a:${base64},a:${base64}`,
        `a b:${base64}`,
      ]) {
        const { message } = yield* Effect.flip(from(text))
        assert.include(message, "SEALING_KEYS")
        assert.notInclude(message, base64.slice(4))
      }
    }),
  )
})
