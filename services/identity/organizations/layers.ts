/** The layers of end users' organizations. */
import * as Layer from "effect/Layer"
import { InvitationStore } from "./InvitationStore.ts"
import { Invitations } from "./Invitations.ts"
import { MemberStore } from "./MemberStore.ts"
import { Members } from "./Members.ts"
import { MembershipStore } from "./MembershipStore.ts"
import type { OrganizationLimits } from "./Organization.ts"
import { OrganizationStore } from "./OrganizationStore.ts"
import { Organizations } from "./Organizations.ts"

const stores = Layer.mergeAll(InvitationStore.layer, MembershipStore.layer, MemberStore.layer, OrganizationStore.layer)

export const layer = (limits: OrganizationLimits) =>
  Layer.mergeAll(Invitations.layer(limits), Members.layer).pipe(
    Layer.provideMerge(Organizations.layer(limits)),
    Layer.provide(stores),
    Layer.merge(MembershipStore.layer),
  )
