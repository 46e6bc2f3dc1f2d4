/** The layers of exports and erasures. */
import * as Layer from "effect/Layer"
import { AuthenticatorStore } from "../totp/AuthenticatorStore.ts"
import { ErasureStore } from "./ErasureStore.ts"
import { Erasures } from "./Erasures.ts"
import { Exports } from "./Exports.ts"
import { PersonalDataStore } from "./PersonalDataStore.ts"

export const layer = Layer.merge(Erasures.layer, Exports.layer).pipe(
  Layer.provide([AuthenticatorStore.layer, ErasureStore.layer, PersonalDataStore.layer]),
)
