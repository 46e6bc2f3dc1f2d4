/** Every use case of the control plane, over the rows that it keeps. */
import * as Layer from "effect/Layer"
import { Outbox } from "#shared/events/Outbox.ts"
import { ApplicationStore } from "./applications/ApplicationStore.ts"
import { Applications } from "./applications/Applications.ts"
import { AuditEventStore } from "./audit/AuditEventStore.ts"
import { AuditEvents } from "./audit/AuditEvents.ts"
import { ApiKeyStore } from "./keys/ApiKeyStore.ts"
import { ApiKeys } from "./keys/ApiKeys.ts"
import { MemberStore } from "./members/MemberStore.ts"
import { RouteChanges } from "./routing/RouteChanges.ts"
import { RouteStore } from "./routing/RouteStore.ts"
import { ObservationStore } from "./status/ObservationStore.ts"
import { Observations } from "./status/Observations.ts"
import { SessionStore } from "./users/SessionStore.ts"
import { Sessions } from "./users/Sessions.ts"
import { UserStore } from "./users/UserStore.ts"
import { Users } from "./users/Users.ts"
import { WorkspaceStore } from "./workspaces/WorkspaceStore.ts"
import { Workspaces } from "./workspaces/Workspaces.ts"

const stores = Layer.mergeAll(
  UserStore.layer,
  SessionStore.layer,
  WorkspaceStore.layer,
  MemberStore.layer,
  ApplicationStore.layer,
  ApiKeyStore.layer,
  RouteStore.layer,
  ObservationStore.layer,
  AuditEventStore.layer,
)

/** Needs a database, entropy for passwords and seals, a signer, and the installation's addresses. */
export const layer = Layer.mergeAll(
  Users.layer,
  Sessions.layer,
  ApiKeys.layer,
  Workspaces.layer,
  Observations.layer,
  AuditEvents.layer,
).pipe(
  Layer.provideMerge(Applications.layer),
  Layer.provideMerge(RouteChanges.layer),
  Layer.provideMerge(Layer.merge(stores, Outbox.layer)),
)
