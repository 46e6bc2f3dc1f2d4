/** The identity program: Nova's identity service, or the auth server of one application. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { launch } from "#shared/runtime/Launch.ts"
import { identityConfig } from "./Config.ts"
import { program } from "./program.ts"

launch(Layer.unwrap(Effect.map(identityConfig, program)), { service: "identity" })
