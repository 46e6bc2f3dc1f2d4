/**
 * Both ways through the server, the straight one and the general adapter, in every protocol: the same cases, the same
 * answers.
 */
import { expect, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { ProbeService } from "#gen/authsome/testing/v1/probe_pb.ts"
import { rpcName } from "#shared/rpc/Policy.ts"
import { NotFound, type PublicError } from "#shared/rpc/PublicError.ts"
import { Listening } from "#shared/rpc/Server.ts"
import { toConnectError } from "#shared/rpc/status.ts"
import { eventually } from "#shared/testing/eventually.ts"
import type { Ask } from "./casesCase.ts"
import { overHttp1 } from "./casesExchange.ts"
import { cases } from "./casesTable.ts"
import { type Wire, wires } from "./casesWire.ts"
import * as Probe from "./Probe.ts"

const ask = Effect.fnUntraced(function* (wire: Wire, { method, request = {}, body, headers, path, verb }: Ask) {
  const port = (yield* Listening)[wire.face]
  const wellFormed = wire.encode(method, request)
  const raw = yield* wire.exchange(port, {
    path: path ?? `/${rpcName(method)}`,
    body: body?.(wellFormed, wire) ?? wellFormed,
    headers: { "content-type": wire.contentType, ...headers?.(wire) },
    ...(verb === undefined ? {} : { verb }),
  })
  return wire.decode(method, raw)
})

/** Waits until the probe has seen something. */
const seenBy = (fact: (seen: typeof Probe.Seen.Service) => boolean) =>
  Effect.flatMap(Probe.Seen, (seen) =>
    eventually(
      Effect.filterOrFail(
        Effect.sync(() => seen),
        fact,
      ),
    ),
  )

for (const straight of [true, false]) {
  const way = straight ? "the straight way" : "the general adapter"
  layer(Probe.layerWith({ straight }), { excludeTestServices: true })(way, (it) => {
    for (const wire of wires) {
      for (const { name, of = () => true, ask: what, expected } of cases) {
        if (!of(wire)) continue
        it.effect(`${wire.name}: ${name}`, () =>
          Effect.gen(function* () {
            const { answer, ...outline } = typeof expected === "function" ? expected(wire) : expected
            const got = yield* ask(wire, what)
            expect(got).toMatchObject(outline)
            if (answer !== undefined) expect(JSON.parse(got.json ?? "null")).toMatchObject(answer)
          }),
        )
      }

      it.effect(`${wire.name}: a deadline and a caller that hangs up interrupt the handler`, () =>
        Effect.gen(function* () {
          const slow = { method: ProbeService.method.misbehave, request: { how: "slow" } }
          const { interrupted } = yield* Probe.Seen
          yield* ask(wire, { ...slow, headers: () => wire.timeout(20) })
          const { attempts } = yield* seenBy((seen) => seen.interrupted === interrupted + 1)
          const caller = yield* Effect.forkChild(ask(wire, slow))
          yield* seenBy((seen) => seen.attempts === attempts + 1)
          yield* Fiber.interrupt(caller)
          yield* seenBy((seen) => seen.interrupted === interrupted + 2)
        }),
      )
    }
  })
}

const statuses = {
  InvalidRequest: 400,
  Unauthenticated: 401,
  PermissionDenied: 403,
  NotFound: 404,
  AlreadyExists: 409,
  FailedPrecondition: 409,
  Aborted: 409,
  ResourceExhausted: 429,
  Unavailable: 503,
  Unimplemented: 501,
  DeadlineExceeded: 504,
  Canceled: 499,
  Internal: 500,
} satisfies Record<PublicError["_tag"], number>

layer(Probe.layer, { excludeTestServices: true })("REST", (it) => {
  const misbehave = (body: object) =>
    Effect.flatMap(Listening, ({ httpPort }) =>
      overHttp1(httpPort, {
        path: "/probe/v1/items/i:misbehave",
        body: Buffer.from(JSON.stringify(body)),
        headers: { "content-type": "application/json" },
      }),
    )

  it.effect.each(Object.entries(statuses))("%s keeps its reason, facts, retry time and message", ([how, status]) =>
    Effect.gen(function* () {
      const raw = yield* misbehave({ how, reason: "slug_taken" })
      expect(raw.status).toBe(status)
      expect(JSON.parse(raw.body.toString())).toMatchObject({
        error: { message: "as asked: 50 % ünïcode", reason: "slug_taken", metadata: { slug: "acme" }, retryAfter: 2 },
      })
      expect(raw.headers["retry-after"]).toBe("2")
    }),
  )

  it.effect("a caller that hangs up interrupts the handler", () =>
    Effect.gen(function* () {
      const { attempts, interrupted } = yield* Probe.Seen
      const caller = yield* Effect.forkChild(misbehave({ how: "slow" }))
      yield* seenBy((seen) => seen.attempts === attempts + 1)
      yield* Fiber.interrupt(caller)
      yield* seenBy((seen) => seen.interrupted === interrupted + 1)
    }),
  )
})

it("a message that quotes half a character can be written in every protocol", () => {
  const { rawMessage } = toConnectError(new NotFound({ reason: "NOT_FOUND", message: "there is no \ud83d" }))
  expect(encodeURIComponent(rawMessage)).toBe("there%20is%20no%20%EF%BF%BD")
})
