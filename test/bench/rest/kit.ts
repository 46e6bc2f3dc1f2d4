/** The kit's outside face: an rpc transcoded to REST, with identity, permission, validation, span, deadline and metrics. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Listening } from "#shared/rpc/Server.ts"
import * as Probe from "../../mesh/Probe.ts"
import { tellReady } from "../child.ts"
import * as HopTracer from "../hop/tracer.ts"

const ready = Layer.effectDiscard(Effect.map(Listening, ({ httpPort }) => tellReady({ port: httpPort })))

Effect.runFork(Layer.launch(ready.pipe(Layer.provide(Probe.layer), Layer.provide(HopTracer.layer(1)))))
