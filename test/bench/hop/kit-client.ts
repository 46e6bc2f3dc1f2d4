/** The kit's client, in a program of Effects, under a trace that is recorded ("1") or not ("0"). */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { ProbeService } from "#gen/authsome/testing/v1/probe_pb.ts"
import * as Channel from "#shared/rpc/client/Channel.ts"
import * as Client from "#shared/rpc/client/Client.ts"
import { meshKey } from "../../mesh/Probe.ts"
import { answer, tellReady } from "../child.ts"
import { isCalls, makeRequest } from "./payload.ts"
import * as HopTracer from "./tracer.ts"

const [url = "", recorded] = process.argv.slice(2)
const scope = Scope.makeUnsafe()
const tracer = await Effect.runPromise(Layer.buildWithScope(HopTracer.layer(recorded === "1" ? 1 : 0), scope))
const channel = await Effect.runPromise(
  Channel.make({ url: new URL(url), peer: "bench", internalKey: meshKey }).pipe(Scope.provide(scope)),
)
const probe = Client.make(ProbeService, channel)

answer(async (message) => {
  if (!isCalls(message)) return
  const { count, concurrency } = message
  let left = count
  const call = Effect.suspend(() => probe.echo(makeRequest()))
  const worker = Effect.whileLoop({ while: () => left-- > 0, body: () => call, step: () => {} })
  await Effect.runPromise(
    Effect.all(
      Array.from({ length: concurrency }, () => worker),
      { concurrency, discard: true },
    ).pipe(Effect.provideContext(tracer)),
  )
})
tellReady({})
process.once("SIGTERM", () => {
  Effect.runPromise(Scope.close(scope, Exit.void)).then(() => process.exit(0))
})
