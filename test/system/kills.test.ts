/** What was accepted happens, whoever dies. */
import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { createApplication, openAccount, openApplication, untilActive, usageOf } from "./Account.ts"
import { bearer, call } from "./Http.ts"
import { eventually, TestStack } from "./TestStack.ts"

layer(TestStack.layer, { excludeTestServices: true, timeout: "120 seconds" })("when a part is killed", (it) => {
  it.effect.each(["nats", "provisioner", "control-plane"])(
    "an application that was accepted just before %s died becomes active, once",
    (part) =>
      Effect.gen(function* () {
        const { supervisor } = yield* TestStack
        const account = yield* openAccount
        const { status, json } = yield* createApplication(account, "killed")
        expect(status).toBe(202)
        yield* supervisor.kill(part, "SIGKILL")
        yield* supervisor.start(part)
        yield* untilActive(account, json.id)
        const all = yield* call("GET", `${account.control}/workspaces/${account.workspaceId}/applications`, {
          headers: bearer(account.token),
        })
        expect(all.json.total).toBe(1)
      }),
    120_000,
  )

  it.effect(
    "known keys go on working without the control plane and without Redis",
    () =>
      Effect.gen(function* () {
        const { supervisor } = yield* TestStack
        const application = yield* openApplication(yield* openAccount, "away")
        const users = call("GET", `${application.apiUrl}/users`, { headers: bearer(application.secretKey) })
        expect((yield* users).status).toBe(200)
        for (const part of ["control-plane", "redis"]) {
          yield* supervisor.kill(part, "SIGKILL")
          expect((yield* users).status).toBe(200)
          yield* supervisor.start(part)
        }
      }),
    120_000,
  )

  it.effect(
    "every request is counted exactly once though billing and NATS die in between",
    () =>
      Effect.gen(function* () {
        const { supervisor } = yield* TestStack
        const account = yield* openAccount
        const application = yield* openApplication(account, "counted")
        const users = call("GET", `${application.apiUrl}/users`, { headers: bearer(application.secretKey) })
        const rounds = [Effect.void, supervisor.kill("billing", "SIGKILL"), supervisor.start("billing")]
        const more = [supervisor.kill("nats", "SIGKILL"), supervisor.start("nats")]
        for (const happens of [...rounds, ...more]) {
          yield* happens
          yield* Effect.repeat(users, { times: 19 })
        }
        yield* eventually(usageOf(account), ({ json }) => json.usage?.apiRequests.count >= 100, 60)
        expect((yield* usageOf(account)).json.usage.apiRequests.count).toBe(100)
      }),
    120_000,
  )

  it.effect(
    "an instance that dies comes back with its users, and its neighbour never notices",
    () =>
      Effect.gen(function* () {
        const account = yield* openAccount
        const one = yield* openApplication(account, "one")
        const two = yield* openApplication(account, "two")
        const person = { email: "grace@example.com", password: "a long enough password" }
        yield* call("POST", `${one.apiUrl}/auth/signup`, { headers: bearer(one.publicKey), body: person })
        yield* killInstance(one.id)
        const neighbour = yield* call("GET", `${two.apiUrl}/users`, { headers: bearer(two.secretKey) })
        expect(neighbour.status).toBe(200)
        const signIn = call("POST", `${one.apiUrl}/auth/signin`, { headers: bearer(one.publicKey), body: person })
        const first = yield* signIn
        expect([200, 503]).toContain(first.status)
        yield* eventually(signIn, ({ status }) => status === 200)
      }),
    120_000,
  )
})

/** Ends an application's identity process without a warning. */
const killInstance = Effect.fnUntraced(function* (applicationId: string) {
  const { state } = yield* TestStack
  const folder = state.secretsFile.replace("secrets.json", `instances/${applicationId.slice("app_".length)}`)
  const { readFileSync } = yield* Effect.promise(() => import("node:fs"))
  const { pid } = JSON.parse(readFileSync(`${folder}/identity.pid.json`, "utf8"))
  process.kill(pid, "SIGKILL")
})
