/** The generated actions, run as Zitadel runs them, against the real service. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { identityClient } from "../../testing/TestClient.ts"
import { novaEnvironment, running, zitadelKey } from "../../testing/TestIdentity.ts"
import { issue } from "../testing/ActionRuntime.ts"
import { answering, claim, registered, service, tokenFrom, zitadelUser } from "./fixtures/tokens.ts"
import { makePack } from "./Pack.ts"

layer(running(novaEnvironment), { excludeTestServices: true })("the actions", (it) => {
  it.effect("put live claims into the token", () =>
    Effect.gen(function* () {
      const { id, metadata } = yield* registered("ada")
      const { token, failures } = yield* tokenFrom(yield* service, { metadata })
      assert.deepStrictEqual(failures, [])
      assert.containsAllKeys(token, [claim("created_at"), claim("updated_at")])
      assert.deepInclude(token, {
        sub: zitadelUser.id,
        preferred_username: "ada",
        name: "ada",
        email: "ada@example.com",
        email_verified: false,
        picture: "https://cdn.example.com/1.jpg",
        [claim("bio")]: "Countess.",
        [claim("source")]: "live",
      })
      assert.isNumber(token?.[claim("created_at")])
      for (const absent of ["bio", "created_at", "given_name", "phone_number"]) assert.notProperty(token, absent)

      const imported = yield* tokenFrom(yield* service, { user: { ...zitadelUser, id: id.replaceAll("-", "") } })
      assert.strictEqual(imported.token?.["preferred_username"], "ada")
    }),
  )

  it.effect("show a profile change in the very next token", () =>
    Effect.gen(function* () {
      const { id, metadata } = yield* registered("grace")
      const identity = yield* identityClient
      yield* identity.updateUserProfile({ userId: id, displayName: "Rear Admiral" })
      const { token } = yield* tokenFrom(yield* service, { metadata })
      assert.strictEqual(token?.["name"], "Rear Admiral")
    }),
  )

  it.effect("leave alone what Zitadel has a value for, and what an earlier action has set", () =>
    Effect.gen(function* () {
      const { metadata } = yield* registered("barbara")
      const own = { sub: zitadelUser.id, email: "own@zitadel.example" }
      const theirs = {
        ...{ name: "theirs", timeout: "1s", allowedToFail: true },
        script: "function theirs(ctx, api) { api.v1.claims.setClaim('name', 'Theirs'); }",
      }
      const ours = yield* makePack({ identityUrl: new URL(yield* service), key: Redacted.make(zitadelKey) })
      const actions = [theirs, ...ours].map((action) => ({ ...action, timeout: "20s" }))
      const { token } = yield* issue({ actions, user: zitadelUser, own, metadata })
      assert.deepInclude(token, { ...own, name: "Theirs", preferred_username: "barbara", [claim("source")]: "live" })
    }),
  )

  it.effect("never let the service set what is not theirs, nor of another type", () =>
    Effect.gen(function* () {
      const evil = {
        sub: zitadelUser.id,
        scope: "admin",
        amr: ["pwd"],
        email: { a: 1 },
        name: 5,
        email_verified: "true",
      }
      const answer = JSON.stringify({ ...evil, "urn:zitadel:iam:org:project:roles": {}, preferred_username: "ok" })
      const { token } = yield* tokenFrom(yield* answering(200, "application/json", answer))
      assert.deepStrictEqual(token, { sub: zitadelUser.id, preferred_username: "ok", [claim("source")]: "live" })
    }).pipe(Effect.scoped),
  )

  it.effect("let nothing into a token that JSON cannot say, or that makes it too long", () =>
    Effect.gen(function* () {
      const answer = `{"sub":"${zitadelUser.id}","preferred_username":"ok","created_at":1e999,"bio":"${"b".repeat(4097)}"}`
      const { token } = yield* tokenFrom(yield* answering(200, "application/json", answer))
      assert.deepStrictEqual(token, { sub: zitadelUser.id, preferred_username: "ok", [claim("source")]: "live" })
    }).pipe(Effect.scoped),
  )
})
