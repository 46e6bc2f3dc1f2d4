/** Servers of the kit that come and go, and a name under which clients find them. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Scope from "effect/Scope"
import { ProbeService } from "#gen/authsome/testing/v1/probe_pb.ts"
import * as Channel from "#shared/rpc/client/Channel.ts"
import * as Client from "#shared/rpc/client/Client.ts"
import { NameUnresolved, type Resolver } from "#shared/rpc/client/Resolver.ts"
import { Listening } from "#shared/rpc/Server.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { type Relay, relayTo } from "./clientRelay.ts"
import * as Probe from "./Probe.ts"

export interface KitServer {
  readonly relay: Relay
  readonly seen: typeof Probe.Seen.Service
  /** Stops it in good order. */
  readonly stop: Effect.Effect<void>
}

/** A server of the kit behind a relay. */
export const startKit: Effect.Effect<KitServer, never, Scope.Scope> = Effect.gen(function* () {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const context = yield* Effect.orDie(Layer.buildWithScope(Layer.fresh(Probe.layer), scope))
  const relay = yield* relayTo(Context.get(context, Listening).grpcPort)
  return { relay, seen: Context.get(context, Probe.Seen), stop: Scope.close(scope, Exit.void) }
})

/** A name whose addresses a test sets. */
export interface TestName extends Resolver {
  ports: ReadonlyArray<number>
  /** How often it was looked up. */
  lookups: number
}

export const testName = (ports: ReadonlyArray<number>): TestName => {
  const name: TestName = {
    ports,
    lookups: 0,
    resolve: (host) =>
      Effect.suspend(() => {
        name.lookups += 1
        return name.ports.length === 0
          ? Effect.fail(new NameUnresolved({ name: host, reason: "ENOTFOUND" }))
          : Effect.succeed(name.ports.map((port) => ({ host: "127.0.0.1", port })))
      }),
  }
  return name
}

/** A client of the probe: of one port, or of whatever a name stands for. */
export const probeOf = (
  where: number | Resolver,
  settings: Partial<Channel.ChannelSettings> = {},
): Effect.Effect<Client.Client<typeof ProbeService>, never, Scope.Scope> =>
  Effect.map(
    Channel.make({
      url: new URL(typeof where === "number" ? `http://127.0.0.1:${where}` : "dns:///probe:1"),
      peer: "tester",
      internalKey: Probe.meshKey,
      ...(typeof where === "number" ? {} : { resolver: where }),
      settings: { resolveIntervalMs: 50, ...settings },
    }),
    (channel) => Client.make(ProbeService, channel),
  )

/** Waits for a fact. */
export const until = (fact: () => boolean): Effect.Effect<void> =>
  Effect.orDie(
    eventually(
      Effect.suspend(() => (fact() ? Effect.void : Effect.fail(new Error("it did not come true")))),
      "20 seconds",
    ),
  )

export const item = { id: "itm_1", displayName: "Ada" }

/** The sum of the counters or gauges of a name whose attributes include these. */
export const counted = (id: string, attributes: Readonly<Record<string, string>> = {}): Effect.Effect<number> =>
  Effect.map(Metric.snapshot, (all) =>
    all
      .filter(
        (metric) => metric.id === id && Object.entries(attributes).every(([k, v]) => metric.attributes?.[k] === v),
      )
      .reduce((sum, metric) => sum + numberOf(metric), 0),
  )

const numberOf = (metric: Metric.Metric.Snapshot): number => {
  if (metric.type === "Counter") return Number(metric.state.count)
  return metric.type === "Gauge" ? Number(metric.state.value) : 0
}
