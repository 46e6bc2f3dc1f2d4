/** The control plane process. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { launch } from "#shared/runtime/Launch.ts"
import { ControlPlaneConfig } from "./Config.ts"
import { program } from "./program.ts"

launch(Layer.unwrap(Effect.map(ControlPlaneConfig, program)), { service: "control-plane" })
