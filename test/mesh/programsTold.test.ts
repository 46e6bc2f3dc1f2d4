/** What a program says that is told wrongly how it knows the others. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type Changes, everyProgram, type Program, Programs, start } from "./Programs.ts"

const files: Changes = { MESH_CERT_FILE: "/nowhere/cert", MESH_KEY_FILE: "/nowhere/key", MESH_CA_FILE: "/nowhere/ca" }

/** The one sentence of a program that does not start. */
const sentenceOf = Effect.fnUntraced(function* (program: Program, told: Changes) {
  const { ended, output } = yield* start(program, told)
  assert.deepStrictEqual(yield* ended, { code: 1, signal: null })
  return yield* output
}, Effect.scoped)

layer(Programs.layer, { excludeTestServices: true })("a program of the mesh", (it) => {
  it.effect.each(everyProgram)(
    "does not start with a certificate without its key, or with nothing, and says so in one sentence: %s",
    (program) =>
      Effect.gen(function* () {
        const half = yield* sentenceOf(program, { ...files, MESH_KEY_FILE: undefined })
        assert.strictEqual(half, `${program} cannot start: MESH_KEY_FILE is missing.\n`)
        const nothing = yield* sentenceOf(program, {})
        assert.strictEqual(nothing, `${program} cannot start: INTERNAL_GRPC_API_KEY is missing.\n`)
      }),
    60_000,
  )

  it.effect.each([
    ["control-plane", "BILLING_GRPC_URL"],
    ["proxy", "CONTROL_PLANE_GRPC_URL"],
  ] as const)("does not start where it would leave its certificate unused: %s", ([program, variable]) =>
    Effect.gen(function* () {
      const sentence = `${program} cannot start: ${variable} is malformed: expected a URL that begins with https:// or dns://.\n`
      assert.strictEqual(yield* sentenceOf(program, { ...files, [variable]: "http://localhost:9" }), sentence)
    }),
  )

  it.effect("says which file it cannot read", () =>
    Effect.gen(function* () {
      const text = yield* sentenceOf("billing", files)
      assert.match(text, /billing cannot start: .*the mesh certificate cannot be used: ENOENT.*\/nowhere\/cert/)
    }),
  )
})
