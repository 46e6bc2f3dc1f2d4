/** What becomes of calls while the servers behind a name come, go, die and fall silent. */
import * as net from "node:net"
import { describe, expect, it } from "@effect/vitest"
import * as grpc from "@grpc/grpc-js"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { ProbeService } from "#gen/authsome/testing/v1/probe_pb.ts"
import { breakerSettings } from "#shared/rpc/client/Breaker.ts"
import type { Client } from "#shared/rpc/client/Client.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { type ForeignHandlers, startForeign, statusWith } from "./clientForeign.ts"
import { counted, item, probeOf, startKit, testName, until } from "./clientKit.ts"
import { relayTo } from "./clientRelay.ts"

/** Calls until told to stop, so many at a time, and what became of them. */
const load = (probe: Client<typeof ProbeService>, concurrency: number) =>
  Effect.gen(function* () {
    const seen = { done: 0, failures: [] as Array<string>, isEnough: false }
    const call = Effect.match(probe.echo({ item }), {
      onSuccess: () => {},
      onFailure: ({ _tag, message }) => void seen.failures.push(`${_tag}: ${message}`),
    })
    const worker = Effect.whileLoop({
      while: () => !seen.isEnough,
      body: () => call,
      step: () => {
        seen.done += 1
      },
    })
    const fiber = yield* Effect.forkChild(
      Effect.all(
        Array.from({ length: concurrency }, () => worker),
        { concurrency, discard: true },
      ),
    )
    return {
      seen,
      /** Waits until so many more calls are done. */
      more: (count: number) => {
        const goal = seen.done + count
        return until(() => seen.done >= goal)
      },
      stop: Effect.suspend(() => {
        seen.isEnough = true
        return Fiber.join(fiber)
      }),
    }
  })

/** A frame's head and eight bytes (RFC 9113, section 6.7). */
const pingBytes = 17

const ok: ForeignHandlers = { echo: (_, answer) => answer(null, { item }) }

/** A server that takes connections and says nothing. */
const startMute = (asked: () => void) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ readonly server: net.Server; readonly sockets: Array<net.Socket> }>((resume) => {
        const sockets: Array<net.Socket> = []
        const server = net.createServer((socket) => {
          sockets.push(socket.on("error", () => {}))
          asked()
        })
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed({ server, sockets })))
      }),
      ({ server, sockets }) =>
        Effect.sync(() => {
          server.close()
          for (const socket of sockets) socket.destroy()
        }),
    ),
    ({ server }) => {
      const address = server.address()
      return typeof address === "object" && address !== null ? address.port : 0
    },
  )

describe("three servers behind one name", () => {
  it.live("lose no repeatable call while one is killed, one is added and one goes away", () =>
    Effect.gen(function* () {
      const [killed, leaving, staying] = yield* Effect.all([startKit, startKit, startKit])
      const name = testName([killed, leaving, staying].map(({ relay }) => relay.port))
      const probe = yield* probeOf(name)
      const { seen, more, stop } = yield* load(probe, 16)
      yield* more(500)
      yield* killed.relay.cut
      yield* more(500)
      const added = yield* startKit
      name.ports = [leaving, staying, added].map(({ relay }) => relay.port)
      yield* until(() => added.relay.taken() > 0)
      yield* more(500)
      // Still in the name for a while, as a process that was just asked to stop is.
      yield* leaving.stop
      yield* more(500)
      name.ports = [staying, added].map(({ relay }) => relay.port)
      yield* more(500)
      yield* stop
      expect(seen.failures).toEqual([])
      expect([killed, leaving].map(({ relay }) => relay.open())).toEqual([0, 0])
    }),
  )

  it.live("are used for what they can bear: a busy one gets no more while another is idle", () =>
    Effect.gen(function* () {
      let held = 0
      const hold = () => {
        held += 1
      }
      const [busy, idle] = yield* Effect.all([startForeign({ echo: hold }), startForeign(ok)])
      const probe = yield* probeOf(testName([busy.port, idle.port]))
      // Sooner or later one of them is held; from then on the other has less to do.
      while (held === 0) {
        const call = yield* Effect.forkChild(probe.echo({ item }))
        yield* until(() => held === 1 || call.pollUnsafe() !== undefined)
      }
      for (let each = 0; each < 100; each++) yield* probe.echo({ item })
      expect(held).toBe(1)
    }),
  )
})

describe("a connection", () => {
  it.live("is replaced when it is old, and loses nothing by it", () =>
    Effect.gen(function* () {
      const server = yield* startKit
      const probe = yield* probeOf(server.relay.port, { maxAgeMs: 40 })
      const { seen, more, stop } = yield* load(probe, 8)
      yield* until(() => server.relay.taken() >= 8)
      yield* more(100)
      yield* stop
      expect(seen.failures).toEqual([])
      expect(server.relay.open()).toBeLessThanOrEqual(2)
    }),
  )

  it.live("whose peer falls silent is cut, and its calls are repeated where they may be", () =>
    Effect.gen(function* () {
      const [silent, other] = yield* Effect.all([
        startForeign({ echo: () => {}, misbehave: () => {} }),
        startForeign(ok),
      ])
      const relay = yield* relayTo(silent.port)
      const name = testName([relay.port])
      const probe = yield* probeOf(name, { pingIntervalMs: 50, pingTimeoutMs: 100 })
      const repeatable = yield* Effect.forkChild(probe.echo({ item }))
      const unique = yield* Effect.forkChild(Effect.flip(probe.misbehave({})))
      yield* until(() => relay.taken() > 0)
      const heard = relay.heard()
      yield* until(() => relay.heard() >= heard + 5 * pingBytes)
      expect(relay.open()).toBe(1) // as long as pings are answered, however long the calls take
      name.ports = [relay.port, other.port]
      const { lookups } = name
      yield* until(() => name.lookups > lookups)
      yield* relay.freeze
      expect(yield* Fiber.join(repeatable)).toMatchObject({ item })
      expect(yield* Fiber.join(unique)).toMatchObject({
        _tag: "Unavailable",
        message: "the service could not be reached: no answer to a ping",
      })
    }),
  )

  it.live("is not the only one where the peer allows few calls at a time", () =>
    Effect.gen(function* () {
      const waiting: Array<() => void> = []
      const server = yield* startForeign(
        { echo: (_, answer) => void waiting.push(() => answer(null, { item })) },
        { "grpc.max_concurrent_streams": 2 },
      )
      const relay = yield* relayTo(server.port)
      const probe = yield* probeOf(relay.port, { maxConnections: 3 })
      const first = yield* Effect.forkChild(probe.echo({ item }))
      yield* until(() => waiting.length === 1)
      const rest = yield* Effect.forkChild(
        Effect.replicateEffect(probe.echo({ item }), 7, { concurrency: "unbounded", discard: true }),
      )
      yield* until(() => waiting.length === 6)
      expect(relay.taken()).toBe(3)
      const answered = yield* Effect.forkChild(
        Effect.forever(
          Effect.andThen(
            until(() => waiting.length > 0),
            Effect.sync(() => waiting.shift()?.()),
          ),
        ),
      )
      yield* Fiber.join(first)
      yield* Fiber.join(rest)
      yield* Fiber.interrupt(answered)
      expect(relay.taken()).toBe(3)
    }),
  )

  it.live("that was idle while its server restarted costs no call", () =>
    Effect.gen(function* () {
      const before = yield* startForeign(ok)
      const probe = yield* probeOf(before.port)
      yield* probe.echo({ item })
      yield* before.kill
      yield* startForeign(ok, {}, before.port)
      expect(yield* probe.echo({ item })).toMatchObject({ item })
    }),
  )
})

describe("an endpoint that fails", () => {
  const quick = { ...breakerSettings, failures: 3, firstMs: 200, longestMs: 400 }

  it.live("is left out, and taken back when it is well", () =>
    Effect.gen(function* () {
      let isWell = false
      let asked = 0
      const moody = yield* startForeign({
        echo: (_, answer) => {
          asked += 1
          if (isWell) answer(null, { item })
          else answer(statusWith(grpc.status.UNAVAILABLE, "moody"))
        },
      })
      const steady = yield* startForeign(ok)
      const probe = yield* probeOf(testName([moody.port, steady.port]), { breaker: quick })
      const ejections = counted("rpc_client_ejections_total", { target: "probe:1" })
      const before = yield* ejections
      for (let each = 0; each < 60; each++) yield* probe.echo({ item })
      expect(asked).toBeLessThan(10)
      expect(yield* ejections).toBeGreaterThan(before)
      isWell = true
      const at = asked
      yield* until(() => asked > at + 20).pipe(Effect.raceFirst(Effect.forever(probe.echo({ item }))))
    }),
  )

  it.live("to connect keeps no call waiting while there is another", () =>
    Effect.gen(function* () {
      let asked = 0
      const mute = yield* startMute(() => {
        asked += 1
      })
      const well = yield* startForeign(ok)
      const name = testName([well.port])
      const probe = yield* probeOf(name, { connectTimeoutMs: 3_600_000 })
      yield* probe.echo({ item })
      name.ports = [well.port, mute]
      yield* until(() => asked > 0).pipe(Effect.raceFirst(Effect.forever(probe.echo({ item }))))
      for (let each = 0; each < 50; each++) yield* probe.echo({ item })
      expect(asked).toBe(1)
    }),
  )

  it.live("is tried all the same where it is the only one, and works from the first call on that can", () =>
    Effect.gen(function* () {
      const before = yield* startForeign(ok)
      const probe = yield* probeOf(before.port, { breaker: { ...quick, firstMs: 60_000, longestMs: 60_000 } })
      yield* before.kill
      for (let each = 0; each < 5; each++) {
        expect(yield* Effect.flip(probe.echo({ item }))).toMatchObject({ _tag: "Unavailable" })
      }
      yield* startForeign(ok, {}, before.port)
      expect(yield* probe.echo({ item })).toMatchObject({ item })
    }),
  )
})

describe("a name", () => {
  it.live("is waited for by the first calls, and followed when its addresses change", () =>
    Effect.gen(function* () {
      const [old, young] = yield* Effect.all([startKit, startKit])
      const name = testName([])
      const probe = yield* probeOf(name, { resolveIntervalMs: 20 })
      expect(yield* Effect.flip(probe.echo({ item }))).toMatchObject({ _tag: "Unavailable" })
      name.ports = [old.relay.port]
      yield* eventually(probe.echo({ item }))
      name.ports = [young.relay.port]
      yield* until(() => young.relay.taken() > 0).pipe(Effect.raceFirst(Effect.forever(probe.echo({ item }))))
      yield* until(() => old.relay.open() === 0)
      // What is known is used for as long as nothing else is.
      name.ports = []
      const { lookups } = name
      yield* until(() => name.lookups > lookups + 1)
      yield* probe.echo({ item })
    }),
  )

  it.live("is looked up at once when an endpoint is gone", () =>
    Effect.gen(function* () {
      const [gone, there] = yield* Effect.all([startForeign(ok), startForeign(ok)])
      const name = testName([gone.port])
      const probe = yield* probeOf(name, { resolveIntervalMs: 3_600_000 })
      yield* probe.echo({ item })
      name.ports = [there.port]
      yield* gone.kill
      yield* eventually(probe.echo({ item }))
      expect(name.lookups).toBeGreaterThan(1)
    }),
  )
})
