/** The generated actions while the identity service has nothing to say, for each reason that there may be. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import { Listening } from "#shared/rpc/Server.ts"
import { gate } from "../../testing/Gate.ts"
import { novaEnvironment, running } from "../../testing/TestIdentity.ts"
import {
  answering,
  claim,
  fallbackClaims,
  noted,
  registered,
  service,
  standsIn,
  tokenFrom,
  zitadelUser,
} from "./fixtures/tokens.ts"

layer(running(novaEnvironment), { excludeTestServices: true })("the actions", (it) => {
  it.effect("stand in with the key wrong (401), and with nobody known (400, 404)", () =>
    Effect.gen(function* () {
      const url = yield* service
      const { metadata } = yield* registered("edsger")
      const refused = yield* standsIn((options) =>
        tokenFrom(url, { key: "wrong", ...options, metadata: { ...metadata, ...options.metadata } }),
      )
      assert.deepStrictEqual([refused.failures, refused.logs], [[], ["nova answered with 401"]])
      assert.deepStrictEqual((yield* standsIn((options) => tokenFrom(url, options))).logs, ["nova answered with 400"])
      const nobody = { nova_user_id: "01890a5d-ac96-774b-bcce-b302099a8057" }
      const unknown = yield* standsIn((options) => tokenFrom(url, { metadata: { ...nobody, ...options.metadata } }))
      assert.deepStrictEqual(unknown.logs, ["nova answered with 404"])
    }),
  )

  it.effect("stand in while the database refuses (500)", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const url = yield* service
      yield* sql`ALTER TABLE users RENAME COLUMN bio TO biography`
      const id = "01890a5d-ac96-774b-bcce-b302099a8058"
      const { logs } = yield* standsIn((options) =>
        tokenFrom(url, { metadata: { nova_user_id: id, ...options.metadata } }),
      )
      yield* sql`ALTER TABLE users RENAME COLUMN biography TO bio`
      assert.deepStrictEqual(logs, ["nova answered with 500"])
    }),
  )

  it.effect.each([
    [502, "text/html", "<html>Bad Gateway</html>"],
    [200, "text/html", "<html>Welcome</html>"],
    [200, "application/json", "null"],
    [200, "application/json", "[]"],
    [200, "application/json", '{"sub":"01890a5d-ac96-774b-bcce-b302099a8057","email":"other@example.com"}'],
    [200, "application/json", '"sub"'],
    [200, "application/json", ""],
  ] as const)("stand in for an answer that is none: %s %s %s", ([status, type, body]) =>
    Effect.gen(function* () {
      const url = yield* answering(status, type, body)
      const { failures, logs } = yield* standsIn((options) => tokenFrom(url, options))
      assert.deepStrictEqual([failures, logs.length], [[], 1])
    }).pipe(Effect.scoped),
  )

  it.effect.each([
    ["nothing", {}],
    ["a list", []],
    ["nothing of ours", { sub: "x", scope: "admin", email: 7, name: "n".repeat(500_000) }],
    ["somebody else's", { ...noted, sub: "01890a5d-ac96-774b-bcce-b302099a8058" }],
  ] as const)("do not show what is noted of a user where that is %s", ([, value]) =>
    Effect.gen(function* () {
      const metadata = { nova_user_id: "01890a5d-ac96-774b-bcce-b302099a8057", nova_claims: JSON.stringify(value) }
      const { token } = yield* tokenFrom("http://127.0.0.1:1", { metadata })
      assert.deepStrictEqual(token, { sub: zitadelUser.id, ...fallbackClaims })
    }),
  )

  it.effect("stand in while the service is away: refused, reset, unknown by name, or denied", () =>
    Effect.gen(function* () {
      const { httpPort } = yield* Listening
      const broken = yield* gate({ host: "127.0.0.1", port: httpPort })
      yield* broken.turn("closed")
      const away = ["http://127.0.0.1:1", `http://127.0.0.1:${broken.port}`, "http://nowhere.invalid"]
      for (const url of away) {
        const { failures } = yield* standsIn((options) => tokenFrom(url, options))
        assert.match(failures.join(), /^transport/, url)
      }
      const denied = ["127.0.0.1", "localhost"]
      const url = yield* service
      const { failures } = yield* standsIn((options) => tokenFrom(url, { denied, ...options }))
      assert.deepStrictEqual(failures, ["host is denied"])
    }).pipe(Effect.scoped),
  )

  it.effect("stand in while the service takes longer than a second", () =>
    Effect.gen(function* () {
      const { httpPort } = yield* Listening
      const slow = yield* gate({ host: "127.0.0.1", port: httpPort })
      yield* slow.turn("hanging")
      const { failures } = yield* standsIn((options) =>
        tokenFrom(`http://127.0.0.1:${slow.port}`, { timeout: "1s", ...options }),
      )
      assert.deepStrictEqual(failures, ["context deadline exceeded"])
    }).pipe(Effect.scoped),
  )

  it.effect("give a service user of Zitadel its name", () =>
    Effect.gen(function* () {
      const user = { id: "290000000000000002", username: "robot", machine: { name: "Robot" } }
      const { token } = yield* tokenFrom("http://127.0.0.1:1", { user, own: { sub: user.id } })
      assert.deepStrictEqual(token, {
        sub: user.id,
        preferred_username: "robot",
        name: "Robot",
        [claim("source")]: "fallback",
      })
    }),
  )
})
