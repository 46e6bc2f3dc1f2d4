import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { Listening } from "#shared/rpc/Server.ts"
import { applicationMade, call, password, signedUp, workspaceMade } from "./testing/TestClient.ts"
import * as TestControlPlane from "./testing/TestControlPlane.ts"
import { change, holding, somebodyWaits, tablesWith } from "./testing/TestRowsStore.ts"

layer(TestControlPlane.running(), { excludeTestServices: true })("the control plane, over REST", (it) => {
  it.effect("signs up, logs in, refreshes, tells who one is, and logs out", () =>
    Effect.gen(function* () {
      const body = { email: "Grace@Example.com", password, name: "Grace" }
      const up = yield* call("POST", "/auth/signup", { body })
      expect(up.status).toBe(201)
      expect(up.json.user).toMatchObject({ email: "grace@example.com", name: "Grace", totpEnabled: false })
      const taken = yield* call("POST", "/auth/signup", { body: { ...body, email: "grace@example.com" } })
      expect([taken.status, taken.json.error.reason]).toEqual([409, "email_taken"])

      const login = yield* call("POST", "/auth/login", { body: { email: "GRACE@example.com", password } })
      expect([login.status, login.json.challenge]).toEqual([200, undefined])
      const me = yield* call("GET", "/auth/me", { token: login.json.token })
      expect([me.status, me.json]).toEqual([200, up.json.user])

      const next = yield* call("POST", "/auth/refresh", { body: { refreshToken: login.json.refreshToken } })
      expect(next.status).toBe(200)
      const out = yield* call("POST", "/auth/logout", { body: {}, token: next.json.token })
      expect(out.status).toBe(200)
      const ended = yield* call("POST", "/auth/refresh", { body: { refreshToken: next.json.refreshToken } })
      expect([ended.status, ended.json.error.reason]).toEqual([401, "session_ended"])
    }),
  )

  it.effect("answers an unknown address and a wrong password with the same words", () =>
    Effect.gen(function* () {
      const { email } = yield* signedUp
      const wrong = yield* call("POST", "/auth/login", { body: { email, password: "wrong" } })
      const unknown = yield* call("POST", "/auth/login", { body: { email: "nobody@example.com", password } })
      const words = ({ json: { error } }: typeof wrong) => ({ ...error, requestId: "" })
      expect([wrong.status, words(wrong)]).toEqual([unknown.status, words(unknown)])
      expect([wrong.status, wrong.json.error.reason]).toEqual([401, "invalid_credentials"])
    }),
  )

  it.effect.each([
    ["an address that is none", "/auth/signup", { email: "ada", password }, "email"],
    ["a short password", "/auth/signup", { email: "a@example.com", password: "short" }, "password"],
    ["a field that there is not", "/auth/login", { email: "a@example.com", password, role: "owner" }, "role"],
  ] as const)("refuses %s by its field", ([, path, body, field]) =>
    Effect.gen(function* () {
      const { status, json } = yield* call("POST", path, { body })
      expect(status).toBe(400)
      expect(json.error).toMatchObject({ code: "invalid_request", requestId: expect.stringMatching(/^req_/) })
      expect(json.error.details).toEqual([{ field, message: expect.any(String) }])
    }),
  )

  it.effect("makes, lists, reads and changes workspaces", () =>
    Effect.gen(function* () {
      const { token, userId } = yield* signedUp
      const body = { name: "Acme", slug: "acme-rest", plan: "pro", metadata: { team: { size: 3 } } }
      const made = yield* call("POST", "/workspaces", { token, body })
      expect(made.status).toBe(201)
      expect(made.json).toMatchObject({ ...body, status: "active", ownerId: userId, role: "owner" })
      const again = yield* call("POST", "/workspaces", { token, body })
      expect([again.status, again.json.error]).toMatchObject([
        409,
        { reason: "slug_taken", metadata: { slug: "acme-rest" } },
      ])
      const list = yield* call("GET", "/workspaces?pageSize=5", { token })
      expect([list.status, list.json]).toEqual([200, { data: [made.json], total: 1, page: 1, pageSize: 5 }])
      const patch = yield* call("PATCH", `/workspaces/${made.json.id}`, {
        token,
        body: { metadata: { team: { size: null, lead: "Ada" } } },
      })
      expect([patch.status, patch.json.metadata, patch.json.name]).toEqual([200, { team: { lead: "Ada" } }, "Acme"])
      expect((yield* call("GET", `/workspaces/${made.json.id}`, { token })).json).toEqual(patch.json)
      const members = yield* call("GET", `/workspaces/${made.json.id}/members`, { token })
      expect(members.json.data).toMatchObject([{ userId, role: "owner", status: "active", name: "Ada" }])
    }),
  )

  it.effect("records an application at once and shows its keys this once", () =>
    Effect.gen(function* () {
      const { token, workspaceId } = yield* workspaceMade
      const body = { name: "My Shop", environment: "staging", config: { mode: "saas", session: { timeout: "7d" } } }
      const { status, json } = yield* call("POST", `/workspaces/${workspaceId}/applications`, { token, body })
      expect(status).toBe(202)
      const x = String(json.id).slice(4)
      expect(json).toMatchObject({ ...body, workspaceId, slug: "my-shop", status: "provisioning", region: "local" })
      expect(json.apiUrl).toBe(`http://proxy.test/v1/${json.id}`)
      expect(json.publicKey).toMatch(new RegExp(`^pk_test_${x}_[0-9A-Za-z]{49}$`))
      expect(json.secretKey).toMatch(new RegExp(`^sk_test_${x}_[0-9A-Za-z]{49}$`))

      const get = yield* call("GET", `/applications/${json.id}`, { token })
      expect(get.status).toBe(200)
      expect(get.json).toMatchObject({
        id: json.id,
        publicKey: json.publicKey,
        dashboardUrl: `http://dashboard.test/applications/${json.id}`,
        resources: { cpuLimit: "1000m", memoryLimit: "2Gi", storageLimit: "5Gi", replicas: 2 },
      })
      expect(JSON.stringify(get.json)).not.toContain(json.secretKey)
      const list = yield* call("GET", `/workspaces/${workspaceId}/applications?environment=staging`, { token })
      expect(list.json).toMatchObject({ total: 1, data: [{ id: json.id, status: "provisioning" }] })
      const none = yield* call("GET", `/workspaces/${workspaceId}/applications?environment=production`, { token })
      expect(none.json).toMatchObject({ total: 0, data: [] })
    }),
  )

  it.effect.each([
    ["without an environment", { name: "x" }, "environment"],
    ["in a region that there is not", { name: "x", environment: "production", region: "atlantis" }, "region"],
    ["with a slug that is none", { name: "x", environment: "production", slug: "No Slug" }, "slug"],
    [
      "with a session of two years",
      { name: "x", environment: "production", config: { session: { timeout: "730d" } } },
      "config.session.timeout",
    ],
  ] as const)("refuses an application %s by its field", ([, body, field]) =>
    Effect.gen(function* () {
      const { token, workspaceId } = yield* workspaceMade
      const { status, json } = yield* call("POST", `/workspaces/${workspaceId}/applications`, { token, body })
      expect([status, json.error.details?.[0]?.field]).toEqual([400, field])
    }),
  )

  it.effect("allows three applications on the free plan", () =>
    Effect.gen(function* () {
      const { token, workspaceId } = yield* workspaceMade
      const path = `/workspaces/${workspaceId}/applications`
      const create = call("POST", path, { token, body: { name: "App", environment: "development" } })
      const answers = yield* Effect.forEach([1, 2, 3, 4], () => create)
      expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 409])
      expect(answers[3]?.json.error).toMatchObject({ reason: "application_limit_reached", metadata: { limit: "3" } })
    }),
  )

  it.effect("makes, lists and revokes keys", () =>
    Effect.gen(function* () {
      const { token, applicationId, secretKey } = yield* applicationMade
      const path = `/applications/${applicationId}/keys`
      const body = { name: "Importer", type: "secret", scopes: ["users:read", "users:write"] }
      const made = yield* call("POST", path, { token, body })
      expect([made.status, made.json]).toMatchObject([201, body])
      expect(made.json.key).toMatch(/^sk_live_[a-z2-7]{16}_[0-9A-Za-z]{49}$/)
      const list = yield* call("GET", path, { token })
      expect(list.json).toMatchObject({ total: 3, data: [{ id: made.json.id, scopes: body.scopes }, {}, {}] })
      for (const key of [made.json.key, secretKey]) expect(JSON.stringify(list.json)).not.toContain(key)
      expect((yield* call("DELETE", `${path}/${made.json.id}`, { token })).status).toBe(204)
      expect((yield* call("GET", path, { token })).json.total).toBe(2)
      const unknown = yield* call("DELETE", `${path}/key_unknown`, { token })
      expect([unknown.status, unknown.json.error.code]).toEqual([404, "not_found"])
      const scopeless = yield* call("POST", path, { token, body: { name: "x", type: "secret" } })
      expect([scopeless.status, scopeless.json.error.details[0].field]).toEqual([400, "scopes"])
    }),
  )

  it.effect("answers a repeated request with the first answer, secret key and all, and makes nothing more", () =>
    Effect.gen(function* () {
      const { token, workspaceId } = yield* workspaceMade
      const path = `/workspaces/${workspaceId}/applications`
      const headers = { "idempotency-key": '"again"' }
      const body = { name: "One", environment: "production", config: { mode: "saas", session: { timeout: "7d" } } }
      const sameBody = { config: { session: { timeout: "7d" }, mode: "saas" }, environment: "production", name: "One" }
      const first = yield* call("POST", path, { token, headers, body })
      const again = yield* call("POST", path, { token, headers, body: sameBody })
      expect([first.status, again.status]).toEqual([202, 202])
      expect(again.json).toEqual(first.json)
      expect(again.json.secretKey).toMatch(/^sk_live_/)
      expect((yield* call("GET", path, { token })).json.total).toBe(1)
      expect(yield* tablesWith(first.json.secretKey)).toEqual([])
    }),
  )

  it.effect("refuses another request under the key of one, and lets a stranger use the same key", () =>
    Effect.gen(function* () {
      const { token } = yield* workspaceMade
      const headers = { "idempotency-key": "k-1" }
      const create = (who: string, name: string) => call("POST", "/workspaces", { token: who, headers, body: { name } })
      const first = yield* create(token, "One")
      const other = yield* create(token, "Two")
      expect([other.status, other.json.error]).toMatchObject([409, { code: "conflict", reason: "request_id_reused" }])
      const stranger = yield* create((yield* signedUp).token, "One")
      expect([stranger.status, stranger.json.id === first.json.id]).toEqual([201, false])
    }),
  )

  it.effect("runs one of two twins, tells the other to come back, and answers it then as the first", () =>
    Effect.gen(function* () {
      const { token, workspaceId } = yield* workspaceMade
      const path = `/workspaces/${workspaceId}/applications`
      const headers = { "idempotency-key": "twins" }
      const create = call("POST", path, { token, headers, body: { name: "One", environment: "production" } })
      const running = yield* holding(
        workspaceId,
        Effect.gen(function* () {
          const first = yield* Effect.forkScoped(create)
          yield* somebodyWaits
          const twin = yield* create
          expect(twin.status).toBe(409)
          expect(twin.json.error).toMatchObject({ code: "conflict", reason: "request_in_progress", retryAfter: 1 })
          expect(twin.headers.get("retry-after")).toBe("1")
          return first
        }),
      )
      const first = yield* Fiber.join(running)
      const again = yield* create
      expect([first.status, again.status, again.json]).toEqual([202, 202, first.json])
      expect((yield* call("GET", path, { token })).json.total).toBe(1)
    }).pipe(Effect.scoped),
  )

  it.effect("keeps nothing of a request that it refused: it may be made again when nothing hinders it", () =>
    Effect.gen(function* () {
      const { token } = yield* signedUp
      const headers = { "idempotency-key": "refused" }
      const body = { name: "Taken", slug: "taken-once" }
      const stranger = yield* call("POST", "/workspaces", { token: (yield* signedUp).token, body })
      const refused = yield* call("POST", "/workspaces", { token, headers, body })
      expect([refused.status, refused.json.error.reason]).toEqual([409, "slug_taken"])
      yield* change((sql) => sql`UPDATE workspaces SET slug = 'moved-away' WHERE id = ${stranger.json.id}`)
      expect((yield* call("POST", "/workspaces", { token, headers, body })).status).toBe(201)
    }),
  )

  it.effect("asks for a token that is good", () =>
    Effect.gen(function* () {
      const { token } = yield* signedUp
      const none = yield* call("GET", "/workspaces")
      const wrong = yield* call("GET", "/workspaces", { token: `${token.slice(0, -4)}AAAA` })
      const refresh = yield* call("GET", "/workspaces", { token: (yield* signedUp).refreshToken })
      for (const { status, json } of [none, wrong, refresh]) {
        expect([status, json.error.code]).toEqual([401, "unauthorized"])
      }
    }),
  )

  it.effect("shows to strangers neither a workspace nor an application, nor that there is one", () =>
    Effect.gen(function* () {
      const { workspaceId, applicationId } = yield* applicationMade
      const { token } = yield* signedUp
      const paths = [
        `/workspaces/${workspaceId}`,
        `/workspaces/${workspaceId}/usage`,
        `/applications/${applicationId}`,
        `/applications/${applicationId}/keys`,
      ]
      const hidden = yield* Effect.forEach(paths, (path) => call("GET", path, { token }))
      const absent = yield* call("GET", "/applications/app_none", { token })
      const words = ({ status, json: { error } }: typeof absent) => ({ status, ...error, requestId: "" })
      expect(absent.status).toBe(404)
      for (const answer of hidden) expect(words(answer)).toEqual(words(absent))
    }),
  )

  it.effect("lets a role do what it may and nothing else, from the next request on", () =>
    Effect.gen(function* () {
      const { token, workspaceId, applicationId, userId } = yield* applicationMade
      const become = (role: string, status: string) =>
        change((sql) => sql`UPDATE members SET role = ${role}, status = ${status} WHERE user_id = ${userId}`)
      const create = call("POST", `/workspaces/${workspaceId}/applications`, {
        token,
        body: { name: "x", environment: "production" },
      })
      yield* become("viewer", "active")
      expect((yield* call("GET", `/applications/${applicationId}`, { token })).status).toBe(200)
      const refused = yield* create
      expect([refused.status, refused.json.error.code]).toEqual([403, "forbidden"])
      yield* become("billing", "active")
      expect((yield* call("GET", `/applications/${applicationId}`, { token })).status).toBe(403)
      yield* become("developer", "active")
      expect((yield* create).status).toBe(202)
      yield* become("owner", "suspended")
      expect((yield* call("GET", `/workspaces/${workspaceId}`, { token })).status).toBe(404)
    }),
  )

  it.effect("says that usage cannot be read while billing is away", () =>
    Effect.gen(function* () {
      const { token, workspaceId } = yield* workspaceMade
      const { status, json } = yield* call("GET", `/workspaces/${workspaceId}/usage`, { token })
      expect([status, json.error.code]).toEqual([503, "service_unavailable"])
    }),
  )

  it.effect("answers what is to come with 501", () =>
    Effect.gen(function* () {
      const { token, workspaceId, applicationId } = yield* applicationMade
      const answers = yield* Effect.all([
        call("DELETE", `/workspaces/${workspaceId}`, { token }),
        call("POST", `/applications/${applicationId}/restart`, { token, body: {} }),
        call("GET", `/workspaces/${workspaceId}/invoices`, { token }),
      ])
      expect(answers.map(({ status }) => status)).toEqual([501, 501, 501])
    }),
  )

  it.effect("writes no password, token, key or address into its log", () =>
    Effect.gen(function* () {
      const logged = yield* TestControlPlane.Logged
      const { email, token, refreshToken, secretKey } = yield* applicationMade
      yield* call("POST", "/auth/login", { body: { email, password: "wrong password" } })
      const text = logged.join("\n")
      expect(text).toContain("AccountService/SignUp")
      for (const secret of [email, token, refreshToken, secretKey, password, "wrong password"]) {
        expect(text.includes(secret), "a secret is in the log").toBe(false)
      }
    }),
  )

  it.effect("is ready, and tells it on both faces", () =>
    Effect.gen(function* () {
      const { httpPort, grpcPort } = yield* Listening
      const ready = (port: number) => Effect.promise(() => fetch(`http://127.0.0.1:${port}/ready`))
      expect([(yield* ready(httpPort)).status, (yield* ready(grpcPort)).status]).toEqual([200, 200])
    }),
  )
})
