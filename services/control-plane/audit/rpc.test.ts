import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { applicationMade, call, signedUp, workspaceMade } from "../testing/TestClient.ts"
import * as TestControlPlane from "../testing/TestControlPlane.ts"
import { change } from "../testing/TestRowsStore.ts"

interface Listed {
  readonly data: ReadonlyArray<{ readonly action: string; readonly targetId?: string }>
  readonly total: number
  readonly page: number
  readonly pageSize: number
}

/** The changes of a workspace, as the owner of the token is shown them. */
const changes = Effect.fnUntraced(function* (token: string, workspaceId: string, query = "") {
  const { status, json } = yield* call("GET", `/workspaces/${workspaceId}/audit-events${query}`, { token })
  expect(status).toBe(200)
  const { data, total, page, pageSize }: Listed = json
  return { data, total, page, pageSize, actions: data.map(({ action }) => action) }
})

const aged = (workspaceId: string, days: number) =>
  change(
    (sql) => sql`
      UPDATE audit_events SET occurred_at = occurred_at - make_interval(days => ${days}::int)
      WHERE container_id = ${workspaceId}`,
  )

layer(TestControlPlane.running(), { excludeTestServices: true })("the record of a workspace", (it) => {
  it.effect("tells who changed what, when, and by which request, the newest first", () =>
    Effect.gen(function* () {
      const { token, userId, workspaceId, applicationId } = yield* applicationMade
      const keys = `/applications/${applicationId}/keys`
      const body = { name: "Importer", type: "secret", scopes: ["users:read"] }
      const made = yield* call("POST", keys, { token, body, headers: { "x-request-id": "req_thekeywasmade" } })
      yield* call("PATCH", `/workspaces/${workspaceId}`, { token, body: { name: "Acme & Co" } })
      yield* call("DELETE", `${keys}/${made.json.id}`, { token })
      const { data, total, page, pageSize } = yield* changes(token, workspaceId)
      expect([total, page, pageSize]).toEqual([5, 1, 20])
      expect(data.map(({ action, targetId }) => [action, targetId])).toEqual([
        ["key.deleted", made.json.id],
        ["workspace.updated", undefined],
        ["key.created", made.json.id],
        ["application.created", applicationId],
        ["workspace.created", undefined],
      ])
      expect(data[2]).toEqual({
        id: expect.stringMatching(/^aud_[a-z2-7]{26}$/),
        workspaceId,
        action: "key.created",
        actorId: userId,
        targetId: made.json.id,
        sourceAddress: expect.stringMatching(/127\.0\.0\.1$/),
        requestId: "req_thekeywasmade",
        details: { fields: ["name", "type", "scopes"], applicationId },
        occurredAt: expect.stringMatching(/Z$/),
      })
    }),
  )

  it.effect("has no row for what was refused, repeated, or changed nothing", () =>
    Effect.gen(function* () {
      const { token, workspaceId, applicationId } = yield* applicationMade
      const before = yield* changes(token, workspaceId)
      const keys = `/applications/${applicationId}/keys`
      const body = { name: "Importer", type: "secret", scopes: ["users:read"] }
      const create = call("POST", keys, { token, body, headers: { "idempotency-key": "once" } })
      const [made] = yield* Effect.all([create, create])
      yield* call("DELETE", `${keys}/${made.json.id}`, { token })
      expect((yield* call("DELETE", `${keys}/${made.json.id}`, { token })).status).toBe(204)
      expect((yield* call("DELETE", `${keys}/key_unknown`, { token })).status).toBe(404)
      expect((yield* call("POST", keys, { token, body: { name: "x", type: "secret" } })).status).toBe(400)
      const stranger = yield* signedUp
      expect((yield* call("DELETE", `${keys}/${made.json.id}`, { token: stranger.token })).status).toBe(404)
      const { actions } = yield* changes(token, workspaceId)
      expect(actions).toEqual(["key.deleted", "key.created", ...before.actions])
    }),
  )

  it.effect("is the workspace's alone: others see neither it nor its rows", () =>
    Effect.gen(function* () {
      const one = yield* applicationMade
      const two = yield* workspaceMade
      expect((yield* changes(two.token, two.workspaceId)).actions).toEqual(["workspace.created"])
      const path = `/workspaces/${one.workspaceId}/audit-events`
      const hidden = yield* call("GET", path, { token: two.token })
      expect([hidden.status, hidden.json.error.code]).toEqual([404, "not_found"])
      expect((yield* call("GET", path)).status).toBe(401)
      const across = yield* changes(two.token, two.workspaceId, `?targetId=${one.applicationId}`)
      expect(across).toMatchObject({ total: 0, data: [] })
    }),
  )

  it.effect("is not for the role that sees bills alone", () =>
    Effect.gen(function* () {
      const { token, workspaceId, userId } = yield* workspaceMade
      yield* change((sql) => sql`UPDATE members SET role = 'billing' WHERE user_id = ${userId}`)
      expect((yield* call("GET", `/workspaces/${workspaceId}/audit-events`, { token })).status).toBe(403)
    }),
  )

  it.effect("can be read by page, by person, by action, by resource and by time", () =>
    Effect.gen(function* () {
      const { token, userId, workspaceId, applicationId } = yield* applicationMade
      yield* aged(workspaceId, 3)
      const keys = `/applications/${applicationId}/keys`
      const made = yield* call("POST", keys, { token, body: { name: "x", type: "public" } })
      const read = (query: string) => changes(token, workspaceId, query)
      expect(yield* read("?page=2&pageSize=2")).toMatchObject({ total: 3, page: 2, actions: ["workspace.created"] })
      expect((yield* read(`?actorId=${userId}`)).total).toBe(3)
      expect((yield* read("?actorId=usr_nobody")).total).toBe(0)
      expect((yield* read("?action=key.created")).actions).toEqual(["key.created"])
      expect((yield* read(`?targetId=${made.json.id}`)).actions).toEqual(["key.created"])
      expect((yield* read(`?targetId=${workspaceId}`)).actions).toEqual(["workspace.created"])
      const yesterday = new Date(Date.parse(made.json.createdAt) - 86_400_000).toISOString()
      expect((yield* read(`?since=${yesterday}`)).actions).toEqual(["key.created"])
      expect((yield* read(`?until=${yesterday}`)).total).toBe(2)
      const bad = yield* call("GET", `/workspaces/${workspaceId}/audit-events?action=Nonsense`, { token })
      expect([bad.status, bad.json.error.details[0].field]).toEqual([400, "action"])
    }),
  )

  it.effect("reaches as far back as the plan keeps it", () =>
    Effect.gen(function* () {
      const { token, workspaceId } = yield* workspaceMade
      yield* aged(workspaceId, 8)
      expect((yield* changes(token, workspaceId)).total).toBe(0)
      yield* call("PATCH", `/workspaces/${workspaceId}`, { token, body: { plan: "pro" } })
      expect((yield* changes(token, workspaceId)).actions).toEqual(["workspace.updated", "workspace.created"])
    }),
  )

  it.effect("holds no secret, no name that was given, and no address", () =>
    Effect.gen(function* () {
      const { token, email, workspaceId, applicationId, secretKey, publicKey } = yield* applicationMade
      const body = { name: `the key of ${email}`, type: "secret", scopes: ["*"] }
      const made = yield* call("POST", `/applications/${applicationId}/keys`, { token, body })
      const rows = yield* change((sql) => sql`SELECT to_jsonb(event)::text AS text FROM audit_events AS event`)
      const text = JSON.stringify([rows, yield* changes(token, workspaceId)])
      expect(text).toContain(applicationId)
      for (const secret of [email, token, secretKey, publicKey, made.json.key, "Production", "Acme"]) {
        expect(text.includes(secret), secret.slice(0, 6)).toBe(false)
      }
    }),
  )
})
