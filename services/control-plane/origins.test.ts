import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { WorkspaceService } from "#gen/authsome/control/v1/workspace_pb.ts"
import { Listening } from "#shared/rpc/Server.ts"
import { call } from "./testing/TestClient.ts"
import * as TestControlPlane from "./testing/TestControlPlane.ts"

const dashboard = "https://dash.example"
const listWorkspaces = `/${WorkspaceService.typeName}/ListWorkspaces`

const allowed = (path: string, origin: string) =>
  Effect.flatMap(Listening, ({ httpPort }) =>
    Effect.promise(async () => {
      const headers = { origin, "access-control-request-method": "POST" }
      const response = await fetch(`http://127.0.0.1:${httpPort}${path}`, { method: "OPTIONS", headers })
      return response.headers.get("access-control-allow-origin")
    }),
  )

layer(TestControlPlane.running({ DASHBOARD_ORIGINS: `http://localhost:5173, ${dashboard}` }), {
  excludeTestServices: true,
})("a dashboard that is served elsewhere", (it) => {
  it.effect("calls by REST and by Connect from its own origins, and from no other", () =>
    Effect.gen(function* () {
      for (const path of ["/control/v1/workspaces", listWorkspaces]) {
        expect(yield* allowed(path, dashboard)).toBe(dashboard)
        expect(yield* allowed(path, "http://localhost:5173")).toBe("http://localhost:5173")
        expect(yield* allowed(path, "https://dash.example.evil")).toBeNull()
      }
      const refused = yield* call("GET", "/workspaces", { headers: { origin: dashboard } })
      expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([401, dashboard])
    }),
  )
})

layer(TestControlPlane.running(), { excludeTestServices: true })("where no origin is configured", (it) => {
  it.effect("no page of another origin calls", () =>
    Effect.gen(function* () {
      expect(yield* allowed("/control/v1/workspaces", dashboard)).toBeNull()
    }),
  )
})
