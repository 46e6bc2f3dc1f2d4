/** The target of Zitadel's functions (actions version 2), over the whole program. */
import { assert, layer } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import { Listening } from "#shared/rpc/Server.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { registered } from "../testing/People.ts"
import { DatabaseGate, Logged, novaEnvironment, running } from "../testing/TestIdentity.ts"
import { functionCall, signed, signingKey } from "./testing/SignedCall.ts"
import { send } from "./testing/TargetClient.ts"
import { RedisGate, withRedis } from "./testing/WithRedis.ts"

const source = "https://nova.app/claims/source"
const environment = { ...novaEnvironment, ZITADEL_SIGNING_KEYS: `an-older-key, ${signingKey}` }
const nobody = "01890a5d-ac96-774b-bcce-b302099a8057"
const zitadelsOwn = {
  preferred_username: "ada-at-zitadel",
  name: "Ada at Zitadel",
  email: "ada@zitadel.example",
  email_verified: true,
  [source]: "fallback",
}

const register = registered("example.com")

const sendCall = (id?: string) => send(JSON.stringify(functionCall(id)))

layer(running(environment), { excludeTestServices: true })("the target of Zitadel's functions", (it) => {
  it.effect("appends the claims of a user as they are now", () =>
    Effect.gen(function* () {
      const { identity, id } = yield* register("grace")
      const avatarUrl = "https://cdn.example.com/grace.jpg"
      const profile = {
        displayName: "Grace",
        avatarUrl,
        bio: "Compilers",
        location: "Arlington",
        phoneNumber: "+15550100",
      }
      yield* identity.updateUserProfile({ userId: id, ...profile })
      const sql = yield* SqlClient.SqlClient
      const [row] = yield* sql<{ readonly created: number; readonly updated: number }>`
        SELECT floor(extract(epoch FROM created_at))::int AS created,
          floor(extract(epoch FROM updated_at))::int AS updated
        FROM users WHERE id = ${id}::uuid`
      for (const call of [functionCall(id), { ...functionCall(id), function: "function/preuserinfo" }]) {
        const { status, claims } = yield* send(JSON.stringify(call))
        assert.strictEqual(status, 200)
        assert.deepStrictEqual(claims, {
          preferred_username: "grace",
          name: "Grace",
          email: "grace@example.com",
          email_verified: false,
          picture: avatarUrl,
          "https://nova.app/claims/bio": "Compilers",
          locale: "Arlington",
          phone_number: "+15550100",
          phone_number_verified: false,
          "https://nova.app/claims/created_at": row?.created,
          "https://nova.app/claims/updated_at": row?.updated,
          [source]: "live",
        })
      }
      yield* identity.updateUserProfile({ userId: id, bio: "COBOL", avatarUrl: "" })
      const { claims } = yield* sendCall(id)
      assert.deepStrictEqual([claims["https://nova.app/claims/bio"], claims["picture"]], ["COBOL", undefined])
    }),
  )

  it.effect("appends what Zitadel knows of a user who is none of ours, or no longer", () =>
    Effect.gen(function* () {
      const { id } = yield* register("deleted")
      const sql = yield* SqlClient.SqlClient
      yield* sql`UPDATE users SET deleted_at = now() WHERE id = ${id}::uuid`
      for (const user of [id, nobody, undefined, "nonsense"]) {
        const { status, claims } = yield* sendCall(user)
        assert.deepStrictEqual([status, claims], [200, zitadelsOwn])
      }
      const program = {
        function: "function/preaccesstoken",
        user: { id: "1", username: "bot", machine: { name: "Bot" } },
      }
      const { claims } = yield* send(JSON.stringify(program))
      assert.deepStrictEqual(claims, { preferred_username: "bot", name: "Bot", [source]: "fallback" })
    }),
  )

  it.effect("takes a signature by any of its keys, of the last 300 seconds, over these bytes", () =>
    Effect.gen(function* () {
      const body = JSON.stringify(functionCall())
      const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
      const wrong = { error: "unauthorized", message: "the signature is missing or wrong" }
      const stale = { error: "unauthorized", message: "the signature is older or newer than 300 seconds" }
      const refusal = Effect.fnUntraced(function* (signature: string | null, text = body) {
        const { status, json } = yield* send(text, { signature })
        return status === 200 ? undefined : ([status, json] as const)
      })
      for (const keys of [[signingKey], ["an-older-key"], ["unknown", signingKey], [signingKey, "an-older-key"]]) {
        assert.isUndefined(yield* refusal(signed(body, now, ...keys)))
      }
      assert.isUndefined(yield* refusal(signed(body, now - 290, signingKey)))
      for (const seconds of [now - 310, now + 310]) {
        assert.deepStrictEqual(yield* refusal(signed(body, seconds, signingKey)), [401, stale])
      }
      for (const header of [null, "", "nonsense", `t=${now}`, `t=${now},v1=`, signed(body, now, "unknown")]) {
        assert.deepStrictEqual(yield* refusal(header), [401, wrong])
      }
      const spaced = JSON.stringify(functionCall(), null, 1)
      assert.deepStrictEqual(yield* refusal(signed(body, now, signingKey), spaced), [401, wrong])
      assert.isUndefined(yield* refusal(signed(spaced, now, signingKey), spaced))
    }),
  )

  it.effect("refuses what is no call of its functions, but only to who can sign", () =>
    Effect.gen(function* () {
      const bodies = ["", "{", "[]", "null", "7", "{}", JSON.stringify({ ...functionCall(), function: "function/x" })]
      for (const body of bodies) {
        const { status, json } = yield* send(body)
        assert.deepStrictEqual([status, json.error], [400, "invalid_request"], body)
        const stranger = yield* send(body, { signature: null })
        assert.deepStrictEqual([stranger.status, stranger.json.error], [401, "unauthorized"], body)
      }
    }),
  )

  it.effect("logs and counts every attempt, and no key, address or signature", () =>
    Effect.gen(function* () {
      const logged = yield* Logged
      logged.length = 0
      yield* sendCall()
      yield* send("{}", { signature: null })
      yield* send("{")
      const attempts = yield* eventually(
        Effect.suspend(() => {
          const lines = logged.map((line) => JSON.parse(line)).filter(({ message }) => message === "access")
          return lines.length === 3 ? Effect.succeed(lines) : Effect.fail(lines)
        }),
      )
      assert.deepStrictEqual(
        attempts.map(({ outcome }) => outcome),
        ["OK", "UNAUTHORIZED", "INVALID_REQUEST"],
      )
      for (const secret of [signingKey, "ada@zitadel.example", "v1="]) assert.notInclude(logged.join(""), secret)
      const { grpcPort } = yield* Listening
      const text = yield* Effect.promise(async () => (await fetch(`http://127.0.0.1:${grpcPort}/metrics`)).text())
      for (const status of [200, 400, 401]) {
        assert.include(text, `http_requests_total{endpoint="/internal/zitadel/append-claims",status="${status}"}`)
      }
      assert.include(text, 'authsome_identity_claims_total{source="fallback"}')
    }),
  )
})

layer(running(novaEnvironment), { excludeTestServices: true })("the target without a key", (it) => {
  it.effect("lets nobody in, and says whose fault it is not", () =>
    Effect.gen(function* () {
      const { status, json } = yield* sendCall()
      assert.deepStrictEqual([status, json.error], [503, "unauthorized"])
    }),
  )
})

/** Sends until the answer has this source. */
const sendUntil = (id: string, expected: string) =>
  eventually(
    Effect.flatMap(sendCall(id), (answer) =>
      answer.claims[source] === expected ? Effect.succeed(answer) : Effect.fail(answer.claims),
    ),
  )

layer(withRedis(environment), { excludeTestServices: true })("the target without its database", (it) => {
  it.effect.each(["closed", "hanging"] as const)("appends the last known claims while it is %s", (state) =>
    Effect.gen(function* () {
      const database = yield* DatabaseGate
      const { identity, id } = yield* register(`known_${state}`)
      const stranger = yield* register(`unknown_${state}`)
      yield* identity.updateUserProfile({ userId: id, bio: "first" })
      const before = yield* sendCall(id)
      assert.strictEqual(before.claims[source], "live")
      yield* database.turn(state)
      const { status, claims } = yield* sendUntil(id, "cache")
      assert.deepStrictEqual([status, claims], [200, { ...before.claims, [source]: "cache" }])
      const unread = yield* sendCall(stranger.id)
      assert.deepStrictEqual([unread.status, unread.claims], [200, zitadelsOwn])
      yield* database.turn("open")
      const after = yield* sendUntil(id, "live")
      assert.deepStrictEqual(after.claims, before.claims)
    }),
  )

  it.effect("appends no claims that were changed since they were known", () =>
    Effect.gen(function* () {
      const database = yield* DatabaseGate
      const { identity, id } = yield* register("changed")
      yield* sendCall(id)
      yield* identity.updateUserProfile({ userId: id, bio: "changed" })
      yield* database.turn("closed")
      const { claims } = yield* sendCall(id)
      assert.deepStrictEqual(claims, zitadelsOwn)
      yield* database.turn("open")
      yield* sendUntil(id, "live")
    }),
  )

  it.effect("appends what was noted in Zitadel, or else what Zitadel knows, while Redis is away too", () =>
    Effect.gen(function* () {
      const database = yield* DatabaseGate
      const redis = yield* RedisGate
      const { identity, id } = yield* register("both")
      yield* redis.turn("closed")
      const live = yield* sendCall(id)
      assert.deepStrictEqual([live.status, live.claims[source]], [200, "live"])
      const { user } = yield* identity.updateUserProfile({ userId: id, bio: "changed without Redis" })
      assert.strictEqual(user?.bio, "changed without Redis")
      yield* database.turn("closed")
      const { status, claims } = yield* sendCall(id)
      assert.deepStrictEqual([status, claims], [200, zitadelsOwn])
      const value = Buffer.from(JSON.stringify({ scope: "x", name: "As noted", bio: "Noted" })).toString("base64")
      const call = functionCall(id)
      const metadata = [...(call.user_metadata ?? []), { key: "nova_claims", value }]
      const noted = yield* send(JSON.stringify({ ...call, user_metadata: metadata }))
      assert.deepStrictEqual(noted.claims, {
        name: "As noted",
        "https://nova.app/claims/bio": "Noted",
        [source]: "cache",
      })
      yield* database.turn("open")
      yield* redis.turn("open")
      yield* sendUntil(id, "live")
    }),
  )
})
