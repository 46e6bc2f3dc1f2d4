/** What is sent twice, and what never is. */
import * as http2 from "node:http2"
import { create, toBinary } from "@bufbuild/protobuf"
import { describe, expect, it } from "@effect/vitest"
import * as grpc from "@grpc/grpc-js"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { MisbehaveResponseSchema } from "#gen/authsome/testing/v1/probe_pb.ts"
import { Deadline } from "#shared/rpc/Deadline.ts"
import { framed } from "#shared/rpc/http/frame.ts"
import { type ForeignHandlers, startForeign, statusWith } from "./clientForeign.ts"
import { counted, item, probeOf, testName, until } from "./clientKit.ts"
import { answerWith, startRaw } from "./clientRaw.ts"
import { relayTo } from "./clientRelay.ts"

const attempted = framed(toBinary(MisbehaveResponseSchema, create(MisbehaveResponseSchema, { attempts: 1 })))
const unavailable = statusWith(grpc.status.UNAVAILABLE, "away for now")

/** Handlers that count, and answer the first `failing` calls of each rpc with `status`. */
const failingFirst = (failing: number, status = unavailable) => {
  const seen = { echo: 0, misbehave: 0, count: 0 }
  const handlers: ForeignHandlers = {
    echo: (_, answer) => {
      seen.echo += 1
      if (seen.echo <= failing) answer(status)
      else answer(null, { item })
    },
    misbehave: (_, answer) => {
      seen.misbehave += 1
      if (seen.misbehave <= failing) answer(status)
      else answer(null, { attempts: seen.misbehave })
    },
    count: (call) => {
      seen.count += 1
      if (seen.count <= failing) call.emit("error", status)
      else call.end()
    },
  }
  return { seen, handlers }
}

describe("a call that its contract allows to repeat", () => {
  it.live("is repeated until it succeeds, streams too while they have said nothing", () =>
    Effect.gen(function* () {
      const { seen, handlers } = failingFirst(2)
      const probe = yield* probeOf((yield* startForeign(handlers)).port)
      const retries = counted("rpc_client_retries_total", { rpc: "authsome.testing.v1.ProbeService/Echo" })
      const before = yield* retries
      expect(yield* probe.echo({ item })).toMatchObject({ item })
      expect(seen.echo).toBe(3)
      expect(yield* retries).toBe(before + 2)
      expect(yield* Stream.runCollect(probe.count({ to: 1 }))).toEqual([])
      expect(seen.count).toBe(3)
    }),
  )

  it.live("is given up after three attempts, with the error that was answered", () =>
    Effect.gen(function* () {
      const { seen, handlers } = failingFirst(1000)
      const probe = yield* probeOf((yield* startForeign(handlers)).port)
      expect(yield* Effect.flip(probe.echo({ item }))).toMatchObject({ _tag: "Unavailable", message: "away for now" })
      expect(seen.echo).toBe(3)
    }),
  )

  it.live("is not repeated for an answer that repeating does not change", () =>
    Effect.gen(function* () {
      const { seen, handlers } = failingFirst(1000, statusWith(grpc.status.INTERNAL, "a bug"))
      const probe = yield* probeOf((yield* startForeign(handlers)).port)
      expect(yield* Effect.flip(probe.echo({ item }))).toMatchObject({ _tag: "Internal" })
      expect(seen.echo).toBe(1)
    }),
  )

  it.live("adds a fifth to the load at the most when everything fails", () =>
    Effect.gen(function* () {
      const { seen, handlers } = failingFirst(Number.POSITIVE_INFINITY)
      const servers = yield* Effect.all([startForeign(handlers), startForeign(handlers)])
      const probe = yield* probeOf(testName(servers.map(({ port }) => port)))
      const calls = 400
      yield* Effect.replicateEffect(Effect.ignore(probe.echo({ item })), calls, { concurrency: 20, discard: true })
      expect(seen.echo).toBeGreaterThanOrEqual(calls)
      expect(seen.echo).toBeLessThanOrEqual(calls * 1.2 + 10)
    }),
  )

  it.live("waits as long as the server asks, and not at all where the deadline does not allow it", () =>
    Effect.gen(function* () {
      const patient = failingFirst(1, statusWith(grpc.status.UNAVAILABLE, "in a moment", { retryAfterMs: 60 }))
      const one = yield* probeOf((yield* startForeign(patient.handlers)).port)
      yield* one.echo({ item })
      expect(patient.seen.echo).toBe(2)
      const never = failingFirst(1, statusWith(grpc.status.UNAVAILABLE, "in a while", { retryAfterMs: 900 }))
      const other = yield* probeOf((yield* startForeign(never.handlers)).port)
      const error = yield* Effect.flip(Effect.provideService(other.echo({ item }), Deadline, Date.now() + 800))
      expect(error).toMatchObject({ _tag: "Unavailable", retryAfterMs: 900 })
      expect(never.seen.echo).toBe(1)
    }),
  )

  it.live("goes to another endpoint the second time", () =>
    Effect.gen(function* () {
      const bad = failingFirst(1000)
      const good = failingFirst(0)
      const servers = yield* Effect.all([startForeign(bad.handlers), startForeign(good.handlers)])
      const probe = yield* probeOf(testName(servers.map(({ port }) => port)))
      for (let each = 0; each < 20; each++) yield* probe.echo({ item })
      expect(good.seen.echo).toBe(20)
    }),
  )
})

describe("a call that its contract does not allow to repeat", () => {
  it.live("is sent once, whatever happens to it", () =>
    Effect.gen(function* () {
      const { seen, handlers } = failingFirst(1000)
      const probe = yield* probeOf((yield* startForeign(handlers)).port)
      expect(yield* Effect.flip(probe.misbehave({}))).toMatchObject({ _tag: "Unavailable" })
      expect(seen.misbehave).toBe(1)
    }),
  )

  it.live("is sent once where the connection breaks, the stream is reset or the time is up", () =>
    Effect.gen(function* () {
      let held = 0
      const holding = yield* startForeign({
        misbehave: () => {
          held += 1
        },
      })
      const relay = yield* relayTo(holding.port)
      const other = failingFirst(0)
      const name = testName([relay.port])
      const probe = yield* probeOf(name)
      const broken = yield* Effect.forkChild(Effect.flip(probe.misbehave({})))
      yield* until(() => held === 1)
      name.ports = [(yield* startForeign(other.handlers)).port]
      yield* relay.cut
      expect(yield* Fiber.join(broken)).toMatchObject({ _tag: "Unavailable" })
      expect([held, other.seen.misbehave]).toEqual([1, 0])

      let resets = 0
      const resetting = yield* startRaw(({ stream }) => {
        resets += 1
        stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR)
      })
      const second = yield* probeOf(resetting)
      expect(yield* Effect.flip(second.misbehave({}))).toMatchObject({ _tag: "Unavailable" })
      expect(resets).toBe(1)

      const third = yield* probeOf(holding.port)
      const late = Effect.provideService(third.misbehave({}), Deadline, Date.now() + 100)
      expect(yield* Effect.flip(late)).toMatchObject({ _tag: "DeadlineExceeded" })
      expect(held).toBe(2)
    }),
  )

  it.live("is sent again where the server says that it has not looked at it", () =>
    Effect.gen(function* () {
      let refused = 0
      const refusing = yield* startRaw(({ stream, number }) => {
        if (number > 1) return answerWith(stream, attempted)
        refused += 1
        stream.close(http2.constants.NGHTTP2_REFUSED_STREAM)
      })
      const probe = yield* probeOf(refusing)
      expect(yield* probe.misbehave({})).toMatchObject({ attempts: 1 })
      expect(refused).toBe(1)
    }),
  )

  it.live("is sent again where the server went away before it saw it, and not where it had seen it", () =>
    Effect.gen(function* () {
      const leaving = yield* startRaw(({ stream, session, number }) => {
        if (number === 2) session.goaway(http2.constants.NGHTTP2_NO_ERROR, (stream.id ?? 0) - 2)
        else answerWith(stream, attempted)
      })
      const probe = yield* probeOf(leaving)
      for (let each = 0; each < 3; each++) expect(yield* probe.misbehave({})).toMatchObject({ attempts: 1 })

      let seen = 0
      const failing = yield* startRaw(({ session }) => {
        seen += 1
        session.goaway(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM)
      })
      const other = yield* probeOf(failing)
      expect(yield* Effect.flip(other.misbehave({}))).toMatchObject({ _tag: "Unavailable" })
      expect(seen).toBe(1)
    }),
  )

  it.live("that waits for its turn at a server that goes away takes its turn elsewhere", () =>
    Effect.gen(function* () {
      const held: Array<() => void> = []
      const leaving = yield* startForeign(
        { misbehave: (_, answer) => void held.push(() => answer(null, { attempts: 7 })) },
        { "grpc.max_concurrent_streams": 1 },
      )
      const other = failingFirst(0)
      const name = testName([leaving.port])
      const probe = yield* probeOf(name, { maxConnections: 1 })
      const first = yield* Effect.forkChild(probe.misbehave({}))
      yield* until(() => held.length === 1)
      const waiting = yield* Effect.forkChild(
        Effect.replicateEffect(probe.misbehave({}), 3, { concurrency: "unbounded" }),
      )
      name.ports = [leaving.port, (yield* startForeign(other.handlers)).port]
      const { lookups } = name
      yield* until(() => name.lookups > lookups)
      const left = yield* Effect.forkChild(leaving.leave)
      expect((yield* Fiber.join(waiting)).map(({ attempts }) => attempts).toSorted()).toEqual([1, 2, 3])
      held[0]?.()
      expect(yield* Fiber.join(first)).toMatchObject({ attempts: 7 })
      yield* Fiber.join(left)
    }),
  )

  it.live("finds the endpoint that is there among those that are not", () =>
    Effect.gen(function* () {
      const { seen, handlers } = failingFirst(0)
      const there = yield* startForeign(handlers)
      const gone = yield* Effect.all([startForeign(handlers), startForeign(handlers)])
      yield* Effect.all(gone.map(({ kill }) => kill))
      // One is refused, the other is taken by something in between that finds nobody behind it.
      const [, behind] = gone
      const relay = yield* relayTo(behind.port)
      const probe = yield* probeOf(testName([gone[0].port, relay.port, there.port]))
      for (let each = 1; each <= 20; each++) expect(yield* probe.misbehave({})).toMatchObject({ attempts: each })
      expect(seen.misbehave).toBe(20)
    }),
  )
})
