/** The generated actions, run as Zitadel runs them, against the real service in each state that it may be in. */
import { createServer } from "node:http"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import { Listening } from "#shared/rpc/Server.ts"
import { gate } from "../../testing/Gate.ts"
import { identityClient } from "../../testing/TestClient.ts"
import { novaEnvironment, running, zitadelKey } from "../../testing/TestIdentity.ts"
import { type Issued, issue, type TokenRequest } from "../testing/ActionRuntime.ts"
import { makePack } from "./Pack.ts"

const claim = (name: string) => `https://nova.app/claims/${name}`

const zitadelUser = {
  id: "290000000000000001",
  username: "ada@zitadel",
  preferredLoginName: "ada@nova.zitadel.example",
  human: { displayName: "Ada of Zitadel", email: "ada@zitadel.example", isEmailVerified: true },
}

const fallbackClaims = {
  preferred_username: "ada@zitadel",
  name: "Ada of Zitadel",
  email: "ada@zitadel.example",
  email_verified: true,
  [claim("source")]: "fallback",
}

const noted = {
  preferred_username: "ada",
  name: "Ada",
  email_verified: true,
  bio: "Noted.",
  scope: "admin",
}
const cachedClaims = {
  preferred_username: "ada",
  name: "Ada",
  email_verified: true,
  [claim("bio")]: "Noted.",
  [claim("source")]: "cache",
}

interface Options extends Partial<TokenRequest> {
  readonly key?: string
  /** How long each action may take; by default as long as Zitadel gives any, since this machine may be busy. */
  readonly timeout?: string
}

/** The token that Zitadel issues while the identity service is at that address. */
const tokenFrom = Effect.fnUntraced(function* (
  url: string,
  { key = zitadelKey, timeout = "20s", ...options }: Options = {},
) {
  const made = yield* makePack({ identityUrl: new URL(url), key: Redacted.make(key) })
  const actions = made.map((action) => ({ ...action, timeout }))
  return yield* issue({ actions, user: zitadelUser, own: { sub: zitadelUser.id }, ...options })
})

/** Somebody in Nova, and Zitadel's note of who that is. */
const registered = Effect.fnUntraced(function* (username: string) {
  const identity = yield* identityClient
  const { user } = yield* identity.register({ username, email: `${username}@example.com`, password: "correct horse" })
  const id = user?.id ?? ""
  yield* identity.updateUserProfile({ userId: id, bio: "Countess.", avatarUrl: "https://cdn.example.com/1.jpg" })
  return { id, metadata: { nova_user_id: id } }
})

const service = Effect.map(Listening, ({ httpPort }) => `http://127.0.0.1:${httpPort}`)

/** A server that answers everything with this. */
const answering = (status: number, type: string, body: string) =>
  Effect.gen(function* () {
    const server = createServer((_, response) => response.writeHead(status, { "content-type": type }).end(body))
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () => Effect.sync(() => server.close().closeAllConnections()),
    )
    const address = server.address()
    return `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`
  })

/** The three ways in which the second action stands in, with nothing of Nova's answer in the token. */
const standsIn = Effect.fnUntraced(function* (token: (options: Options) => Effect.Effect<Issued, unknown>) {
  const own = { sub: zitadelUser.id }
  const plain = yield* token({})
  assert.deepStrictEqual(plain.token, { ...own, ...fallbackClaims })
  const cached = yield* token({ metadata: { nova_claims: JSON.stringify(noted) } })
  assert.deepStrictEqual(cached.token, { ...own, ...cachedClaims })
  const unusable = yield* token({ metadata: { nova_claims: "not JSON" } })
  assert.deepStrictEqual(unusable.token, { ...own, ...fallbackClaims })
  return plain
})

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
