/**
 * The story of the whole path against a running stack: from a dashboard user's sign-up to a counted request of an end
 * user, and a Nova user's claims. Each step says what it shows and how long it took; the first that is not true fails.
 */
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { IdentityService } from "#gen/authsome/identity/v1/identity_service_pb.ts"
import { ProvisioningService, StepName, StepState } from "#gen/authsome/provisioner/v1/provisioning_pb.ts"
import * as Client from "#shared/rpc/client/Client.ts"
import * as MeshChannel from "#shared/rpc/client/MeshChannel.ts"
import type { MeshIdentity } from "#shared/rpc/MeshIdentity.ts"
import { reported, seconds, tell } from "./progress.ts"
import { type Rest, rest } from "./rest.ts"

/** Where the programs are, and the keys between them. */
export interface Setting {
  readonly controlPlane: string
  readonly provisionerGrpc: string
  readonly identityHttp: string
  readonly identityGrpc: string
  readonly internalKey: Redacted.Redacted<string>
  readonly mesh: MeshIdentity
}

/** Something that the stack promises is not so. */
export class Untrue extends Data.TaggedError("Untrue")<{ readonly what: string }> {
  override get message() {
    return this.what
  }
}

const Id = Schema.Struct({ id: Schema.String })
const Account = Schema.Struct({ token: Schema.String })
const NewApplication = Schema.Struct({ id: Schema.String, publicKey: Schema.String, apiUrl: Schema.String })
const Application = Schema.Struct({ status: Schema.String })
const SignedIn = Schema.Struct({ user: Id, session: Schema.Struct({ token: Schema.String }) })
const CurrentSession = Schema.Struct({ user: Id })
const Refusal = Schema.Struct({ error: Schema.Struct({ code: Schema.String }) })
const Claims = Schema.Struct({ sub: Schema.String, bio: Schema.optionalKey(Schema.String) })
const Usage = Schema.Struct({
  usage: Schema.Struct({
    mau: Schema.Struct({ current: Schema.Number }),
    apiRequests: Schema.Struct({ count: Schema.Number }),
  }),
})

/** Tells the story; every name in it is new, so it can be told again and again. */
export const tellStory = Effect.fnUntraced(function* (setting: Setting) {
  const mark = (yield* Clock.currentTimeMillis).toString(36)
  const dashboard = yield* openDashboard(setting, mark)
  const workspace = yield* step(
    "makes a workspace",
    dashboard.post("/workspaces", { name: "Demo", slug: `demo-${mark}`, plan: "pro" }, 201, Id),
  )
  const application = yield* makeApplication(setting, dashboard, workspace.id)
  yield* liveAsEndUser(application, mark)
  yield* readClaims(setting, mark)
  yield* step(
    "the four requests and the one active user are counted",
    until(
      dashboard.get(`/workspaces/${workspace.id}/usage`, 200, Usage),
      ({ usage }) => usage.apiRequests.count === 4 && usage.mau.current === 1,
    ),
  )
}, Effect.scoped)

const openDashboard = Effect.fnUntraced(function* (setting: Setting, mark: string) {
  const control = rest(`${setting.controlPlane}/control/v1`)
  const credentials = { email: `ada.${mark}@example.com`, password: `long enough ${mark}` }
  yield* step(
    "a dashboard user signs up",
    control.post("/auth/signup", { ...credentials, name: "Ada" }, 201, Schema.Unknown),
  )
  const { token } = yield* step("logs in", control.post("/auth/login", credentials, 200, Account))
  return control.with({ authorization: `Bearer ${token}` })
})

const makeApplication = Effect.fnUntraced(function* (setting: Setting, dashboard: Rest, workspaceId: string) {
  const startedAt = yield* Clock.currentTimeMillis
  const wanted = { name: "Web", slug: "web", environment: "production" }
  const application = yield* step(
    "asks for an application, which is accepted at once",
    dashboard.post(`/workspaces/${workspaceId}/applications`, wanted, 202, NewApplication),
  )
  yield* watchProvisioning(setting, application.id)
  yield* step(
    "the application is active",
    until(dashboard.get(`/applications/${application.id}`, 200, Application), ({ status }) => status === "active"),
  )
  const took = (yield* Clock.currentTimeMillis) - startedAt
  yield* tell(`  from the request to active: ${seconds(Duration.millis(took))}`)
  return application
})

/** Tells each step of provisioning as it ends. */
const watchProvisioning = Effect.fnUntraced(function* (setting: Setting, applicationId: string) {
  const provisioner = yield* mesh(setting.provisionerGrpc, setting.mesh)
  const told = new Set<StepName>()
  const watch = Client.make(ProvisioningService, provisioner).watchProvisioning({ applicationId })
  const follow = Stream.runForEach(watch, ({ provisioning }) =>
    Effect.forEach(provisioning?.steps ?? [], ({ name, state, startedAt, endedAt }) => {
      if (state !== StepState.DONE || told.has(name)) return Effect.void
      told.add(name)
      const took = startedAt === undefined || endedAt === undefined ? 0 : millisOf(endedAt) - millisOf(startedAt)
      return tell(`  · ${textOf(name)} (${seconds(Duration.millis(took))})`)
    }),
  )
  // The event may still be on its way to the provisioner.
  yield* Effect.retry(follow, { while: ({ _tag }) => _tag === "NotFound", schedule: looking })
  yield* hold(told.size === 7, `only ${told.size} of 7 steps were done`)
})

const liveAsEndUser = Effect.fnUntraced(function* (
  { apiUrl, publicKey }: { readonly apiUrl: string; readonly publicKey: string },
  mark: string,
) {
  const customer = rest(apiUrl, { authorization: `Bearer ${publicKey}` })
  const credentials = { email: `grace.${mark}@example.com`, password: `long enough ${mark}` }
  const { user } = yield* step(
    "an end user signs up through the proxy",
    customer.post("/auth/signup", { ...credentials, name: "Grace" }, 201, SignedIn),
  )
  const { session } = yield* step("signs in", customer.post("/auth/signin", credentials, 200, SignedIn))
  const signedIn = customer.with({ "x-authsome-session": session.token })
  const current = yield* step("reads the session", signedIn.get("/session", 200, CurrentSession))
  yield* hold(current.user.id === user.id, "the session is somebody else's")
  yield* step("may not list the users with a public key", customer.get("/users", 403, Refusal))
  const stranger = rest(apiUrl, { authorization: "Bearer pk_live_wrong" })
  yield* step("gets nowhere with a wrong key", stranger.get("/session", 401, Refusal))
})

const readClaims = Effect.fnUntraced(function* (setting: Setting, mark: string) {
  const identity = Client.make(IdentityService, yield* mesh(setting.identityGrpc, setting.mesh))
  const account = { username: `lin-${mark}`, email: `lin.${mark}@example.com`, password: `long enough ${mark}` }
  const { user } = yield* step("a Nova user registers over gRPC", identity.register(account))
  const userId = user?.id ?? ""
  const bio = "Writes the first line."
  const zitadel = rest(setting.identityHttp, { "x-internal-api-key": Redacted.value(setting.internalKey) })
  const read = zitadel.get(`/internal/zitadel/user-claims/${userId}`, 200, Claims)
  const before = yield* step("Zitadel reads the claims", read)
  yield* hold(before.bio === undefined, "the claims have what nobody wrote")
  yield* step("the user changes the profile", identity.updateUserProfile({ userId, bio }))
  const claims = yield* step("Zitadel's next claims carry it", read)
  yield* hold(claims.sub === userId && claims.bio === bio, "the claims are not the profile's")
})

const step = <A, E, R>(what: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  reported<A>(() => what)(effect)

/** What follows in the story is true, or the story ends here. */
const hold = (fact: boolean, otherwise: string): Effect.Effect<void, Untrue> =>
  fact ? Effect.void : Effect.fail(new Untrue({ what: otherwise }))

const looking = Schedule.spaced("50 millis").pipe(Schedule.upTo({ duration: "30 seconds" }))

/** Asks until the answer is as it should be, for half a minute at most. */
const until = <A, E>(ask: Effect.Effect<A, E>, fact: (answer: A) => boolean): Effect.Effect<A, E | Untrue> =>
  Effect.flatMap(ask, (answer) =>
    fact(answer) ? Effect.succeed(answer) : Effect.fail(new Untrue({ what: `still ${JSON.stringify(answer)}` })),
  ).pipe(Effect.retry({ while: (error) => error instanceof Untrue, schedule: looking }))

const mesh = (url: string, identity: MeshIdentity) => MeshChannel.make({ url: new URL(url), peer: "demo", identity })

const textOf = (name: StepName): string =>
  Object.entries(StepName)
    .find(([, value]) => value === name)?.[0]
    .toLowerCase() ?? String(name)

const millisOf = ({ seconds, nanos }: { readonly seconds: bigint; readonly nanos: number }): number =>
  Number(seconds) * 1000 + nanos / 1e6
