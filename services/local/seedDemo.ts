/**
 * The demo: a dashboard user with a workspace and an application, made through the public API as anybody would make them,
 * and remembered, so that a second start finds them and makes nothing.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type { PlatformError } from "effect/PlatformError"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { randomBytes } from "#shared/crypto/random.ts"
import { expect, type RequestFailed, send } from "./jsonRequest.ts"
import { writeWhole } from "./writeWhole.ts"

/** The demo as `stack.json` shows it. */
export const Demo = Schema.Struct({
  email: Schema.String,
  password: Schema.String,
  workspaceId: Schema.String,
  applicationId: Schema.String,
  publicKey: Schema.String,
  secretKey: Schema.String,
  /** Where the application is served: the proxy's URL with the application's path. */
  apiUrl: Schema.String,
})
export type Demo = typeof Demo.Type

/** The demo could not be made, or is not served. */
export class DemoFailed extends Schema.TaggedError<DemoFailed>()("DemoFailed", { reason: Schema.String }) {
  override get message(): string {
    return `The demo application could not be brought up: ${this.reason}`
  }
}

/** What is remembered between starts: who we are from the first moment on, the rest as it comes to be. */
const Memory = Schema.Struct({
  email: Schema.String,
  password: Schema.String,
  /** Ends the slugs, which must be nobody else's, and makes repeated requests the same request. */
  mark: Schema.String,
  workspaceId: Schema.optionalKey(Schema.String),
  application: Schema.optionalKey(
    Schema.Struct({ id: Schema.String, publicKey: Schema.String, secretKey: Schema.String }),
  ),
})
type Memory = typeof Memory.Type

export interface DemoOptions {
  /** The file that remembers the demo; it holds the keys, so it is for our eyes only. */
  readonly file: string
  /** The control plane's URL. */
  readonly controlPlane: string
  /** The proxy's URL. */
  readonly proxy: string
}

/** Finds or makes the demo, and returns when a request to its application is answered by its instance. */
export const seedDemo = (options: DemoOptions): Effect.Effect<Demo, DemoFailed, FileSystem.FileSystem> =>
  Effect.gen(function* () {
    const known = yield* remembered(options.file)
    const remember = <M extends Memory>(memory: M) =>
      writeWhole(options.file, `${JSON.stringify(memory, undefined, 2)}\n`).pipe(Effect.as(memory))
    const user = known ?? (yield* Effect.flatMap(stranger, remember))
    const dashboard = yield* loggedIn(options.controlPlane, user)
    const member = yield* withWorkspace(dashboard, user).pipe(Effect.flatMap(remember))
    const { application, ...owner } = yield* withApplication(dashboard, member)
    yield* remember({ ...owner, application })
    const apiUrl = yield* activated(dashboard, application.id)
    yield* served(apiUrl, application.publicKey)
    return {
      email: owner.email,
      password: owner.password,
      workspaceId: owner.workspaceId,
      applicationId: application.id,
      publicKey: application.publicKey,
      secretKey: application.secretKey,
      apiUrl,
    }
  }).pipe(Effect.mapError((error) => new DemoFailed({ reason: error.message })))

const remembered = Effect.fnUntraced(function* (
  file: string,
): Effect.fn.Return<Memory | undefined, PlatformError | Schema.SchemaError, FileSystem.FileSystem> {
  const files = yield* FileSystem.FileSystem
  if (!(yield* files.exists(file))) return undefined
  return yield* Schema.decodeUnknownEffect(Schema.fromJsonString(Memory))(yield* files.readFileString(file))
})

const stranger: Effect.Effect<Memory> = Effect.map(
  Effect.all([randomBytes(4), randomBytes(18)]),
  ([name, password]) => {
    const mark = Buffer.from(name).toString("hex")
    return { email: `demo-${mark}@example.com`, password: Buffer.from(password).toString("base64url"), mark }
  },
)

/** The control plane, as somebody who is logged in. */
interface Dashboard {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

const Session = Schema.Struct({ token: Schema.String })

/** Logs in, or signs up where the control plane does not know us: at the first start, or when its database was lost. */
const loggedIn = Effect.fnUntraced(function* (controlPlane: string, { email, password }: Memory) {
  const url = `${controlPlane}/control/v1`
  const login = yield* send({ method: "POST", url: `${url}/auth/login`, body: { email, password } })
  const { token } = yield* login.status === 401
    ? Effect.flatMap(
        send({ method: "POST", url: `${url}/auth/signup`, body: { email, password, name: "Demo" } }),
        expect(Session, 200, 201),
      )
    : expect(Session, 200)(login)
  const dashboard: Dashboard = { url, headers: { authorization: `Bearer ${token}` } }
  return dashboard
})

const Identified = Schema.Struct({ id: Schema.String })

const withWorkspace = Effect.fnUntraced(function* (dashboard: Dashboard, memory: Memory) {
  if (memory.workspaceId !== undefined && (yield* isThere(dashboard, `/workspaces/${memory.workspaceId}`))) {
    return { ...memory, workspaceId: memory.workspaceId }
  }
  const answer = yield* send({
    method: "POST",
    url: `${dashboard.url}/workspaces`,
    headers: { ...dashboard.headers, "idempotency-key": `demo-workspace-${memory.mark}` },
    body: { name: "Demo", slug: `demo-${memory.mark}`, plan: "free" },
  })
  const { id } = yield* expect(Identified, 200, 201)(answer)
  return { ...memory, workspaceId: id }
})

const NewApplication = Schema.Struct({ id: Schema.String, publicKey: Schema.String, secretKey: Schema.String })

const withApplication = Effect.fnUntraced(function* <M extends Memory & { readonly workspaceId: string }>(
  dashboard: Dashboard,
  memory: M,
) {
  const { application } = memory
  if (application !== undefined && (yield* isThere(dashboard, `/applications/${application.id}`))) {
    return { ...memory, application }
  }
  const answer = yield* send({
    method: "POST",
    url: `${dashboard.url}/workspaces/${memory.workspaceId}/applications`,
    headers: { ...dashboard.headers, "idempotency-key": `demo-application-${memory.workspaceId}` },
    body: { name: "Demo", slug: `demo-${memory.mark}`, environment: "development" },
  })
  return { ...memory, application: yield* expect(NewApplication, 200, 202)(answer) }
})

const isThere = (dashboard: Dashboard, path: string) =>
  send({ method: "GET", url: `${dashboard.url}${path}`, headers: dashboard.headers }).pipe(
    Effect.flatMap((answer) =>
      answer.status === 404 ? Effect.succeed(false) : Effect.as(expect(Identified, 200)(answer), true),
    ),
  )

const Application = Schema.Struct({ status: Schema.String, apiUrl: Schema.String })

/** Statuses that lead to `active` by themselves. */
const underway = new Set(["provisioning", "restarting"])

const activated = Effect.fnUntraced(function* (dashboard: Dashboard, id: string) {
  const asked = send({ method: "GET", url: `${dashboard.url}/applications/${id}`, headers: dashboard.headers }).pipe(
    Effect.flatMap(expect(Application, 200)),
  )
  const { status, apiUrl } = yield* patiently(asked, ({ status }) => !underway.has(status), "it is still provisioning")
  return status === "active" ? apiUrl : yield* new DemoFailed({ reason: `its status is ${status}` })
})

/** The instance itself answers: the proxy would say 503 for it, or 502. */
const served = (apiUrl: string, publicKey: string) =>
  patiently(
    send({ method: "GET", url: `${apiUrl}/session`, headers: { authorization: `Bearer ${publicKey}` } }),
    ({ status }) => status < 500,
    "its instance does not answer",
  )

/** Asks every 100 ms for at most 90 seconds; answers that are no answer yet are asked again. */
const patiently = <A, R>(
  asked: Effect.Effect<A, RequestFailed, R>,
  done: (answer: A) => boolean,
  late: string,
): Effect.Effect<A, RequestFailed | DemoFailed, R> =>
  asked.pipe(
    Effect.repeat({ schedule: Schedule.spaced("100 millis"), until: done }),
    Effect.timeoutOrElse({
      duration: "90 seconds",
      orElse: () => Effect.fail(new DemoFailed({ reason: `${late} after 90 seconds` })),
    }),
  )
