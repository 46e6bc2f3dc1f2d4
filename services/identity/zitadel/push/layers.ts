/** Keeping claims in Zitadel, from events to its API; loaded only where a Zitadel is named. */
import * as Layer from "effect/Layer"
import { UserStore } from "../../users/UserStore.ts"
import type { ZitadelSettings } from "../management/ZitadelApi.ts"
import { ClaimNotes } from "./ClaimNotes.ts"
import * as Consumer from "./consumer.ts"
import { Zitadel } from "./Zitadel.ts"
import { ZitadelLinkStore } from "./ZitadelLinkStore.ts"

export const claimsInZitadel = (settings: ZitadelSettings) =>
  Consumer.layer.pipe(
    Layer.provide(ClaimNotes.layer),
    Layer.provide([Zitadel.layer(settings), ZitadelLinkStore.layer, UserStore.layer]),
  )
