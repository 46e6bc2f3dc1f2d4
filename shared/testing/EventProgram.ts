/** A program with one consumer, as operators see it: on a port of its own, with the mesh's key. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { consume } from "../events/Consumer.ts"
import { Rejected } from "../events/Delivery.ts"
import { job } from "../events/fixtures/testEvents.ts"
import * as Operations from "../operations/rpc.ts"
import { layerPeers } from "../rpc/authenticate.ts"
import { Authorization } from "../rpc/Caller.ts"
import * as Server from "../rpc/Server.ts"
import { Readiness } from "../runtime/Readiness.ts"
import { mesh } from "./EventMesh.ts"
import { keyed, serverConfig } from "./meshSettings.ts"

export const programKey = Redacted.make("the-key-of-the-test-program")

/** What its consumer, "tester", takes. */
export const ProgramJob = job("WORK")

/** What its consumer does: rejects everything until it is mended, and notes what it handles from then on. */
export class ProgramState extends Context.Service<ProgramState, { mended: boolean; readonly seen: Array<string> }>()(
  "shared/testing/ProgramState",
) {
  static readonly layer = Layer.sync(ProgramState, () => ({ mended: false, seen: [] }))
}

const consumer = Layer.unwrap(
  Effect.map(ProgramState, (state) =>
    consume(ProgramJob, {
      durable: "tester",
      handle: ({ value }) =>
        state.mended
          ? Effect.sync(() => void state.seen.push(value))
          : Effect.fail(new Rejected({ reason: "it is broken,\nfor now" })),
    }),
  ),
)

const server = Server.layer({ config: serverConfig }, Operations.layer).pipe(
  Layer.provide([layerPeers(keyed(programKey)), Authorization.layerNobody, Readiness.layer]),
)

/** The program, its database and its NATS. */
export const EventProgram = Layer.merge(server, consumer).pipe(
  Layer.provideMerge(ProgramState.layer),
  Layer.provideMerge(mesh),
)
