/** The kit's server: identity, validation, permission, span and deadline around every call. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Listening } from "#shared/rpc/Server.ts"
import * as Probe from "../../mesh/Probe.ts"
import { tellReady } from "../child.ts"
import * as HopTracer from "./tracer.ts"

const ready = Layer.effectDiscard(Effect.map(Listening, ({ grpcPort }) => tellReady({ port: grpcPort })))

Effect.runFork(Layer.launch(ready.pipe(Layer.provide(Probe.layer), Layer.provide(HopTracer.layer(1)))))
