/** The use cases over a database of their own, and the things that tests begin with. */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { JwtSigner, JwtVerifier } from "#shared/crypto/Jwt.ts"
import { Passwords } from "#shared/crypto/Password.ts"
import { Sealer } from "#shared/crypto/Sealer.ts"
import { newId } from "#shared/ids/Id.ts"
import { TestDatabase } from "#shared/testing/TestDatabase.ts"
import { type ApplicationDraft, Applications } from "../applications/Applications.ts"
import { Installation } from "../applications/Installation.ts"
import * as UseCases from "../UseCases.ts"
import { issuer } from "../users/Session.ts"
import { Users } from "../users/Users.ts"
import type { Plan } from "../workspaces/Plan.ts"
import type { WorkspaceId } from "../workspaces/Workspace.ts"
import { Workspaces } from "../workspaces/Workspaces.ts"
import { sealingKeys, signingKeys } from "./TestKeys.ts"

const crypto = Layer.mergeAll(
  Passwords.layer,
  Sealer.layerConfig,
  JwtSigner.layer({ keys: signingKeys, issuer }),
  JwtVerifier.layer({ keys: signingKeys, issuer }),
).pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({ SEALING_KEYS: sealingKeys }))))

const installation = Layer.succeed(Installation, {
  regions: ["local", "eu-central-1"],
  apiBaseUrl: new URL("http://proxy.test/"),
  dashboardUrl: new URL("http://dashboard.test"),
})

export const layer = UseCases.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(crypto, installation, TestDatabase.sql("control"))),
)

export const password = Redacted.make("correct horse battery staple")

/** A user of an address that nobody has. */
export const someUser = Effect.gen(function* () {
  const users = yield* Users
  const email = `${yield* newId("usr")}@example.com`
  return yield* Effect.orDie(users.signUp({ email, password, name: "Ada" }))
})

/** A new workspace of a new user. */
export const someWorkspace = Effect.fnUntraced(function* (plan: Plan = "free") {
  const workspaces = yield* Workspaces
  const { id: owner } = yield* someUser
  const workspace = yield* Effect.orDie(
    workspaces.create(owner, { name: "Acme", slug: Option.none(), plan, metadata: {} }),
  )
  return { owner, workspaceId: workspace.id }
})

/** What a new application of a workspace is made of. */
export const draftOf = (workspaceId: WorkspaceId): ApplicationDraft => ({
  workspaceId,
  name: "Production",
  slug: Option.none(),
  environment: "production",
  region: Option.none(),
  config: {},
})

/** A new application of a new workspace. */
export const someApplication = Effect.gen(function* () {
  const applications = yield* Applications
  const { owner, workspaceId } = yield* someWorkspace()
  const created = yield* Effect.orDie(applications.create(draftOf(workspaceId)))
  return { ...created, owner, workspaceId, id: created.application.id }
})
