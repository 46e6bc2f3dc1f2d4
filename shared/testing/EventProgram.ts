/** A program with one consumer, as operators see it: on a port of its own, with the mesh's key. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { consume } from "../events/Consumer.ts"
import { Rejected } from "../events/Delivery.ts"
import { job } from "../events/fixtures/testEvents.ts"
import * as Operations from "../operations/rpc.ts"
import { internalKey } from "../rpc/authenticate.ts"
import { Authentication, Authorization } from "../rpc/Caller.ts"
import { PermissionDenied } from "../rpc/PublicError.ts"
import * as Server from "../rpc/Server.ts"
import { Readiness } from "../runtime/Readiness.ts"
import { mesh } from "./EventMesh.ts"

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

const server = Server.layer(
  {
    config: {
      host: "127.0.0.1",
      httpPort: 0,
      grpcPort: 0,
      maxBodyBytes: 64 * 1024,
      maxMessageBytes: 4 * 1024 * 1024,
      shutdownGrace: Duration.seconds(5),
    },
  },
  Operations.layer,
).pipe(
  Layer.provide([
    Layer.succeed(Authentication, { INTERNAL: internalKey([programKey]) }),
    Layer.succeed(Authorization, {
      authorize: () => Effect.fail(new PermissionDenied({ reason: "PERMISSION_DENIED", message: "nobody may" })),
    }),
    Readiness.layer,
  ]),
)

/** The program, its database and its NATS. */
export const EventProgram = Layer.merge(server, consumer).pipe(
  Layer.provideMerge(ProgramState.layer),
  Layer.provideMerge(mesh),
)
