/** Bad input gets a clear answer, through the whole path. */
import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { createApplication, openAccount, openApplication } from "./Account.ts"
import { bearer, call } from "./Http.ts"
import { eventually, TestStack } from "./TestStack.ts"

layer(TestStack.layer, { excludeTestServices: true, timeout: "120 seconds" })("a customer's request", (it) => {
  it.effect("is served with the documented headers", () =>
    Effect.gen(function* () {
      const { demo } = (yield* TestStack).state
      const { status, headers } = yield* call("GET", `${demo.apiUrl}/users`, { headers: bearer(demo.secretKey) })
      expect(status).toBe(200)
      expect(headers.get("x-authsome-app-id")).toBe(demo.applicationId)
      expect(headers.get("x-authsome-request-id")).toMatch(/^req_/)
      expect(headers.get("x-authsome-region")).toBe("local")
      expect(Number(headers.get("x-ratelimit-limit"))).toBeGreaterThan(0)
      for (const internal of ["x-authsome-active-user", "x-authsome-route", "x-authsome-identity"]) {
        expect(headers.get(internal)).toBeNull()
      }
    }),
  )

  it.effect(
    "is refused without a key, with a wrong key, and with another application's key",
    () =>
      Effect.gen(function* () {
        const { demo } = (yield* TestStack).state
        const other = yield* openApplication(yield* openAccount, "other")
        const altered = `${demo.secretKey.slice(0, -1)}${demo.secretKey.endsWith("a") ? "b" : "a"}`
        for (const headers of [{}, bearer("nonsense"), bearer(altered), bearer(other.secretKey)]) {
          const { status, json } = yield* call("GET", `${demo.apiUrl}/users`, { headers })
          expect([status, json.error.code]).toEqual([401, "unauthorized"])
          expect(json.error.requestId).toMatch(/^req_/)
        }
      }),
    60_000,
  )

  it.effect("for an unknown application is 404", () =>
    Effect.gen(function* () {
      const { demo } = (yield* TestStack).state
      const url = demo.apiUrl.replace(demo.applicationId, "app_aaaaaaaaaaaaaaaa")
      const { status, json } = yield* call("GET", `${url}/users`, { headers: bearer(demo.secretKey) })
      expect([status, json.error.code]).toEqual([404, "not_found"])
    }),
  )

  it.effect(
    "for an application that is still being made is 503 with the reason",
    () =>
      Effect.gen(function* () {
        const { supervisor } = yield* TestStack
        const account = yield* openAccount
        yield* supervisor.kill("provisioner", "SIGTERM")
        const { json } = yield* createApplication(account, "slow")
        const answer = yield* call("GET", `${json.apiUrl}/users`, { headers: bearer(json.secretKey) })
        yield* supervisor.start("provisioner")
        // Locally the instances go down with the provisioner in good order, and come back with it.
        const { demo } = (yield* TestStack).state
        const session = call("GET", `${demo.apiUrl}/session`, { headers: bearer(demo.publicKey) })
        yield* eventually(session, ({ status }) => status === 401, 30, "250 millis")
        expect([answer.status, answer.json.error]).toEqual([
          503,
          expect.objectContaining({ code: "service_unavailable", reason: "application_provisioning" }),
        ])
      }),
    60_000,
  )

  it.effect("with malformed JSON or a malformed field is 400 with the field; with too much, 413", () =>
    Effect.gen(function* () {
      const { demo } = (yield* TestStack).state
      const signUp = (body: unknown) =>
        call("POST", `${demo.apiUrl}/auth/signup`, { headers: bearer(demo.publicKey), body })
      const malformed = yield* signUp("{")
      expect([malformed.status, malformed.json.error.code]).toEqual([400, "invalid_request"])
      const short = yield* signUp({ email: "no address", password: "short" })
      expect(short.json.error.details.map(({ field }: { field: string }) => field)).toEqual(["email", "password"])
      const large = yield* signUp({ email: "a@example.com", password: "x".repeat(2 * 1024 * 1024) })
      expect(large.status).toBe(413)
    }),
  )

  it.effect(
    "with a revoked key is refused within a second",
    () =>
      Effect.gen(function* () {
        const account = yield* openAccount
        const application = yield* openApplication(account, "revoked")
        const keys = `${account.control}/applications/${application.id}/keys`
        const users = call("GET", `${application.apiUrl}/users`, { headers: bearer(application.secretKey) })
        expect((yield* users).status).toBe(200)
        const listed = yield* call("GET", keys, { headers: bearer(account.token) })
        const secret = listed.json.data.find(({ type }: { type: string }) => type === "secret")
        const deleted = yield* call("DELETE", `${keys}/${secret.id}`, { headers: bearer(account.token) })
        expect(deleted.status).toBe(204)
        yield* eventually(users, ({ status }) => status === 401, 1)
      }),
    60_000,
  )
})

layer(TestStack.layer, { excludeTestServices: true, timeout: "120 seconds" })("the control plane", (it) => {
  it.effect("names the field of a bad request, hides what is not yours, and refuses without a token", () =>
    Effect.gen(function* () {
      const account = yield* openAccount
      const stranger = yield* openAccount
      const workspaces = `${account.control}/workspaces`
      const named = yield* call("POST", workspaces, {
        headers: bearer(account.token),
        body: { name: "", slug: "Not A Slug" },
      })
      expect([named.status, named.json.error.code]).toEqual([400, "invalid_request"])
      expect(new Set(named.json.error.details.map(({ field }: { field: string }) => field))).toEqual(
        new Set(["name", "slug"]),
      )
      const hidden = yield* call("GET", `${workspaces}/${account.workspaceId}`, { headers: bearer(stranger.token) })
      const absent = yield* call("GET", `${workspaces}/ws_aaaaaaaaaaaaaaaaaaaaaaaaaa`, {
        headers: bearer(stranger.token),
      })
      expect([hidden.status, absent.status]).toEqual([404, 404])
      expect((yield* call("GET", workspaces)).status).toBe(401)
      expect((yield* call("GET", workspaces, { headers: bearer("forged") })).status).toBe(401)
    }),
  )

  it.effect("answers 501 where the turn of an rpc has not come", () =>
    Effect.gen(function* () {
      const account = yield* openAccount
      const { status, json } = yield* call("GET", `${account.control}/workspaces/${account.workspaceId}/invoices`, {
        headers: bearer(account.token),
      })
      expect([status, json.error.reason]).toEqual([501, "unimplemented"])
    }),
  )
})

layer(TestStack.layer, { excludeTestServices: true, timeout: "120 seconds" })("Nova's claims route", (it) => {
  it.effect("refuses a missing or wrong key, a malformed id, and an unknown user", () =>
    Effect.gen(function* () {
      const { state } = yield* TestStack
      const { readFileSync } = yield* Effect.promise(() => import("node:fs"))
      const { INTERNAL_API_KEY } = JSON.parse(readFileSync(state.secretsFile, "utf8"))
      const route = `${state.services.identity.http}/internal/zitadel/user-claims`
      const absent = "0190a6c0-0000-7000-8000-000000000000"
      const ask = (id: string, key?: string) =>
        call("GET", `${route}/${id}`, { headers: key === undefined ? {} : { "x-internal-api-key": key } })
      const answers = yield* Effect.all([
        ask(absent),
        ask(absent, "wrong"),
        ask("not-a-uuid", INTERNAL_API_KEY),
        ask(absent, INTERNAL_API_KEY),
        ask(absent.replaceAll("-", ""), INTERNAL_API_KEY),
      ])
      expect(answers.map(({ status, json }) => [status, json.error])).toEqual([
        [401, "unauthorized"],
        [401, "unauthorized"],
        [400, "invalid_user_id"],
        [404, "user_not_found"],
        [404, "user_not_found"],
      ])
    }),
  )
})
