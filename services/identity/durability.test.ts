import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Server from "#shared/rpc/Server.ts"
import { Backing } from "#shared/testing/Backing.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { TestDatabase } from "#shared/testing/TestDatabase.ts"
import { TestRedisServer } from "#shared/testing/TestServers.ts"
import { call } from "./testing/EndUsers.ts"
import { spawned } from "./testing/SpawnedClient.ts"
import { request } from "./testing/TestClient.ts"
import { instanceEnvironment, novaEnvironment, zitadelKey } from "./testing/TestIdentity.ts"

type Process = Effect.Success<ReturnType<typeof spawned>>

const password = "correct horse battery"

/** As if the process were the program of the test. */
const at = ({ httpPort, grpcPort }: Process) => Effect.provideService(Server.Listening, { httpPort, grpcPort })

const claims = (process: Process, id: string) =>
  request("GET", `/internal/zitadel/user-claims/${id}`, { headers: { "x-internal-api-key": zitadelKey } }).pipe(
    at(process),
  )

const surroundings = Layer.mergeAll(TestDatabase.migrated("identity"), Backing.layer, TestRedisServer.layer)

layer(surroundings, { excludeTestServices: true, timeout: "60 seconds" })("what was acknowledged", (it) => {
  it.effect(
    "outlives the process that is killed in the same moment",
    () =>
      Effect.gen(function* () {
        const one = yield* spawned(novaEnvironment)
        const acknowledged: Array<{ readonly name: string; readonly access: string; readonly refresh: string }> = []
        const names = Array.from({ length: 12 }, (_, index) => `person_${index}`)
        const registrations = yield* Effect.forEach(
          names,
          (username) =>
            one.identity.register({ username, email: `${username}@durability.test`, password }).pipe(
              Effect.tap(({ tokens }) =>
                Effect.sync(() => {
                  const [access, refresh] = [tokens?.accessToken ?? "", tokens?.refreshToken ?? ""]
                  acknowledged.push({ name: username, access, refresh })
                }),
              ),
              Effect.ignore,
              Effect.forkScoped({ startImmediately: true }),
            ),
          { concurrency: "unbounded" },
        )
        yield* eventually(Effect.suspend(() => (acknowledged.length >= 3 ? Effect.void : Effect.fail("not yet"))))
        yield* one.kill
        yield* Effect.forEach(registrations, Fiber.await)

        const two = yield* spawned(novaEnvironment)
        for (const { name, access, refresh } of acknowledged) {
          const { outcome } = yield* two.identity.login({ identifier: name, password })
          assert.strictEqual(outcome.case, "signedIn", name)
          assert.isTrue(
            (yield* two.identity.verifyToken({ token: access })).valid,
            "its keys and sessions are the same",
          )
          yield* two.identity.refreshToken({ refreshToken: refresh })
        }
        // Who was not answered may try again: there is one account at most.
        for (const username of names) {
          yield* Effect.ignore(
            two.identity.register({ username, email: `${username}@durability.test`, password, requestId: username }),
          )
        }
        assert.strictEqual((yield* two.identity.listUsers({ search: "durability.test" })).total, names.length)
      }).pipe(Effect.scoped),
    60_000,
  )

  it.effect(
    "outlives an instance that is killed",
    () =>
      Effect.gen(function* () {
        const body = { email: "end.user@instance.test", password }
        const one = yield* spawned(instanceEnvironment)
        const { status, json } = yield* call("POST", "/auth/signup", { body }).pipe(at(one))
        yield* one.kill
        assert.strictEqual(status, 201)
        const two = yield* spawned(instanceEnvironment)
        const signIn = yield* call("POST", "/auth/signin", { body }).pipe(at(two))
        assert.deepStrictEqual([signIn.status, signIn.json.user.id], [200, json.user.id])
        const session = String(json.session.token)
        assert.strictEqual((yield* call("GET", "/session", { session }).pipe(at(two))).status, 200)
      }).pipe(Effect.scoped),
    60_000,
  )

  it.effect(
    "outlives a Redis that is killed, and is never hidden by what Redis kept",
    () =>
      Effect.gen(function* () {
        const redis = yield* TestRedisServer
        const environment = { ...novaEnvironment, REDIS_URL: Redacted.value(redis.url), CLAIMS_CACHE_TTL: "1 hour" }
        const one = yield* spawned(environment)
        const register = (username: string) =>
          one.identity.register({ username, email: `${username}@redis.test`, password })
        const { user } = yield* register("before")
        const userId = user?.id ?? ""
        yield* claims(one, userId)
        yield* one.identity.updateUserProfile({ userId, bio: "first" })
        assert.strictEqual((yield* claims(one, userId)).json.bio, "first")

        yield* redis.kill
        const { user: second } = yield* register("meanwhile")
        for (const identifier of ["before", "meanwhile"]) {
          const { outcome } = yield* one.identity.login({ identifier, password })
          assert.strictEqual(outcome.case, "signedIn", "nobody needs Redis to sign up and in")
        }
        assert.strictEqual((yield* claims(one, userId)).json.bio, "first")
        yield* redis.start
        yield* eventually(one.identity.updateUserProfile({ userId, bio: "second" }))
        yield* redis.kill
        yield* one.kill
        yield* redis.start
        const two = yield* spawned(environment)
        assert.strictEqual((yield* claims(two, userId)).json.bio, "second")
        assert.strictEqual((yield* claims(two, second?.id ?? "")).json.preferred_username, "meanwhile")
      }).pipe(Effect.scoped),
    60_000,
  )
})
