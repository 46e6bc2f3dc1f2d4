/** A dashboard user with a workspace, for tests that need one of their own. */
import * as Effect from "effect/Effect"
import { newUuid } from "#shared/ids/Id.ts"
import { bearer, call } from "./Http.ts"
import { eventually, TestStack } from "./TestStack.ts"

export interface Account {
  readonly token: string
  readonly workspaceId: string
  /** The base of the control plane's routes. */
  readonly control: string
}

export interface NewApplication {
  readonly id: string
  readonly publicKey: string
  readonly secretKey: string
  readonly apiUrl: string
}

export const openAccount = Effect.gen(function* () {
  const { state } = yield* TestStack
  const control = `${state.services.controlPlane.http}/control/v1`
  const mark = (yield* newUuid).slice(-12)
  const credentials = { email: `ada.${mark}@example.com`, password: "a long enough password" }
  yield* call("POST", `${control}/auth/signup`, { body: { ...credentials, name: "Ada" } })
  const login = yield* call("POST", `${control}/auth/login`, { body: credentials })
  const token: string = login.json.token
  const workspace = yield* call("POST", `${control}/workspaces`, {
    headers: bearer(token),
    body: { name: "Test", slug: `test-${mark}`, plan: "pro" },
  })
  return { token, workspaceId: workspace.json.id, control } satisfies Account
})

export const createApplication = (account: Account, slug: string) =>
  call("POST", `${account.control}/workspaces/${account.workspaceId}/applications`, {
    headers: bearer(account.token),
    body: { name: slug, slug, environment: "production" },
  })

/** Waits until the application is active, and answers it. */
export const untilActive = (account: Account, applicationId: string) =>
  eventually(
    call("GET", `${account.control}/applications/${applicationId}`, { headers: bearer(account.token) }),
    ({ json }) => json.status === "active",
    60,
  )

/** An application that is served. */
export const openApplication = Effect.fnUntraced(function* (account: Account, slug: string) {
  const { json } = yield* createApplication(account, slug)
  yield* untilActive(account, json.id)
  return json as NewApplication
})

/** What the workspace has used this month. */
export const usageOf = (account: Account) =>
  call("GET", `${account.control}/workspaces/${account.workspaceId}/usage`, { headers: bearer(account.token) })
