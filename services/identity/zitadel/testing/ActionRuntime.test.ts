/** The rules of Zitadel 2.62 that an action has to live with. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { issue } from "./ActionRuntime.ts"

const user = { id: "1", username: "ada" }

/** The token after one action with this body. */
const run = (body: string, action: { readonly allowedToFail?: boolean; readonly script?: string } = {}) =>
  issue({
    user,
    own: { sub: "1" },
    metadata: { json: '{"a":1}', text: "01890a5d-ac96" },
    actions: [
      {
        ...{ name: "act", timeout: "1s", allowedToFail: true },
        script: `function act(ctx, api) { var set = api.v1.claims.setClaim; ${body} }`,
        ...action,
      },
    ],
  })

const fetchNobody = "require('zitadel/http').fetch('http://127.0.0.1:1')"

describe("an action", () => {
  it.live.each(["process", "console", "fetch", "setTimeout", "URL", "Buffer", "Intl", "BigInt", "WeakRef", "Atomics"])(
    "has no %s",
    (name) =>
      Effect.gen(function* () {
        const { token } = yield* run(`set('there', typeof ${name})`)
        assert.deepStrictEqual(token, { sub: "1", there: "undefined" })
      }),
  )

  it.live("cannot catch that a host is away, and keeps what it set before", () =>
    Effect.gen(function* () {
      const { token, failures } = yield* run(
        `set('before', 1); try { ${fetchNobody} } catch (e) { set('caught', 1) } finally { set('finally', 1) } set('after', 1)`,
      )
      assert.deepStrictEqual(token, { sub: "1", before: 1 })
      assert.strictEqual(failures.length, 1)
    }),
  )

  it.live("fails the login unless it is allowed to fail", () =>
    Effect.gen(function* () {
      for (const body of [fetchNobody, "throw new Error('no')", "return true", "while (true) {}"]) {
        assert.isUndefined((yield* run(body, { allowedToFail: false })).token, body)
        assert.deepStrictEqual((yield* run(body)).token, { sub: "1" }, body)
      }
      assert.isUndefined((yield* run("", { allowedToFail: false, script: "function other() {}" })).token)
      assert.isUndefined((yield* run("", { allowedToFail: false, script: "async function act() {}" })).token)
    }),
  )

  it.live("has a fetch that takes no other options, and modules that do not reach out", () =>
    Effect.gen(function* () {
      const { failures } = yield* run("require('zitadel/http').fetch('http://127.0.0.1:1', { timeout: 1 })")
      assert.deepStrictEqual(failures, ['key "timeout" is invalid'])
      const { token } = yield* run("try { require('process') } catch (e) { set('caught', true) }")
      assert.deepStrictEqual(token, { sub: "1", caught: true })
      const linked = yield* run("set('there', typeof require('console') + typeof require('util'))")
      assert.deepStrictEqual(linked.token, { sub: "1", there: "objectobject" })
    }),
  )

  it.live("sets each claim once, none of Zitadel's own, and breaks the token with what JSON cannot say", () =>
    Effect.gen(function* () {
      const { token } = yield* run(
        "set('a', null); set('a', ''); set('a', 1); set('urn:zitadel:iam:x', 1); set('sub', 2); set('m', ctx.v1.user.getMetadata().metadata)",
      )
      assert.deepStrictEqual(token, {
        sub: "1",
        a: "",
        m: [
          { key: "json", value: { a: 1 } },
          { key: "text", value: "01890a5d-ac96" },
        ],
        "urn:zitadel:iam:action:act:log": ['key "a" already exists'],
      })
      const values = yield* run("set('s', new Set([1])); set('p', new Map([['k', 2]])); set('d', new Date(0))")
      assert.deepStrictEqual(values.token, { sub: "1", s: [1], p: [["k", 2]], d: "1970-01-01T00:00:00.000Z" })
      for (const value of ["function () {}", "{ a: [function () {}] }", "1 / 0", "0 / 0"]) {
        assert.isUndefined((yield* run(`set('f', ${value})`)).token, value)
      }
    }),
  )
})
