/** What a policy allows and what it does not, in every protocol where that differs; `policiesRates` has the rates. */
import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { ErrorReason } from "#gen/authsome/mesh/v1/error_reason_pb.ts"
import { PoliciesService } from "#gen/authsome/testing/v1/policies_pb.ts"
import type { Authorization } from "#shared/rpc/Caller.ts"
import * as Channel from "#shared/rpc/client/Channel.ts"
import * as Client from "#shared/rpc/client/Client.ts"
import * as Server from "#shared/rpc/Server.ts"
import { wires } from "./casesWire.ts"
import * as Policies from "./policiesProbe.ts"

const { look, refuse } = PoliciesService.method

const owner = { authorization: "Bearer owner" }
const guest = { authorization: "Bearer guest" }

const client = Effect.gen(function* () {
  const { grpcPort } = yield* Server.Listening
  const url = new URL(`http://127.0.0.1:${grpcPort}`)
  return Client.make(PoliciesService, yield* Channel.make({ url, peer: "tester", internalKey: Policies.meshKey }))
})

for (const straight of [true, false]) {
  layer(Policies.layer({ straight }), { excludeTestServices: true })(
    straight ? "the straight way" : "the general adapter",
    (it) => {
      for (const wire of wires) {
        it.effect(`${wire.name}: a refusal for a reason of the contract is told, one for another is a defect`, () =>
          Effect.gen(function* () {
            const { errors } = yield* Policies.Ran
            errors.length = 0
            expect(yield* Policies.call(wire, refuse, { reason: ErrorReason.SLUG_TAKEN })).toMatchObject({
              code: "failed_precondition",
              reason: "SLUG_TAKEN",
            })
            // A reason that any rpc may give.
            expect(yield* Policies.call(wire, refuse, { reason: ErrorReason.OVERLOADED })).toMatchObject({
              reason: "OVERLOADED",
            })
            expect(errors).toEqual([])
            expect(yield* Policies.call(wire, refuse, { reason: ErrorReason.EMAIL_TAKEN })).toMatchObject({
              code: "internal",
              reason: "INTERNAL",
              message: "internal error",
              metadata: {},
            })
            expect(errors).toEqual([expect.stringContaining("refused for EMAIL_TAKEN, which its contract lacks")])
          }),
        )

        it.effect(`${wire.name}: a handler runs for those who may, and for nobody else`, () =>
          Effect.gen(function* () {
            const { rpcs } = yield* Policies.Ran
            const before = rpcs.length
            expect((yield* Policies.call(wire, look, { thingId: "x" })).code).toBe("unauthenticated")
            expect((yield* Policies.call(wire, look, { thingId: "x" }, guest)).code).toBe("not_found")
            expect(rpcs.length).toBe(before)
            expect((yield* Policies.call(wire, look, { thingId: "x" }, owner)).code).toBe("ok")
            expect(rpcs.slice(before)).toEqual(["Look"])
          }),
        )
      }
    },
  )
}

layer(Policies.layer(), { excludeTestServices: true })("a policy", (it) => {
  it.effect("holds in REST: reasons and permissions", () =>
    Effect.gen(function* () {
      const told = yield* Policies.rest("POST", "refuse", {}, { reason: "slug_taken" })
      expect([told.status, told.json.error.reason]).toEqual([409, "slug_taken"])
      const hidden = yield* Policies.rest("POST", "refuse", {}, { reason: "email_taken" })
      expect([hidden.status, hidden.json.error.reason, hidden.json.error.message]).toEqual([
        500,
        "internal",
        "internal error",
      ])
      expect((yield* Policies.rest("GET", "things/x", guest)).status).toBe(404)
      expect((yield* Policies.rest("GET", "things/x", owner)).status).toBe(204)
    }),
  )

  it.effect("holds in a stream: a refusal for a reason of no contract is a defect", () =>
    Effect.gen(function* () {
      const { errors } = yield* Policies.Ran
      const probe = yield* client
      const refused = (reason: ErrorReason) => Effect.flip(Stream.runDrain(probe.watchRefuse({ reason })))
      expect(yield* refused(ErrorReason.SLUG_TAKEN)).toMatchObject({ reason: "SLUG_TAKEN" })
      errors.length = 0
      expect(yield* refused(ErrorReason.EMAIL_TAKEN)).toMatchObject({ _tag: "Internal", message: "internal error" })
      expect(errors).toEqual([expect.stringContaining("refused for EMAIL_TAKEN, which its contract lacks")])
    }).pipe(Effect.scoped),
  )

  it.effect("holds in a stream: it begins for those who may, and for nobody else", () =>
    Effect.gen(function* () {
      const { rpcs } = yield* Policies.Ran
      const { httpPort } = yield* Server.Listening
      const watch = (headers: object) =>
        Effect.promise(async () => {
          const message = Buffer.from(JSON.stringify({ thingId: "x" }))
          const head = Buffer.alloc(5)
          head.writeUInt32BE(message.length, 1)
          const response = await fetch(`http://127.0.0.1:${httpPort}/${PoliciesService.typeName}/Watch`, {
            method: "POST",
            headers: { "content-type": "application/connect+json", ...headers },
            body: Buffer.concat([head, message]),
          })
          return await response.text()
        })
      const before = rpcs.length
      expect(yield* watch({})).toContain("unauthenticated")
      expect(yield* watch(guest)).toContain("not_found")
      expect(rpcs.length).toBe(before)
      expect(yield* watch(owner)).not.toContain("error")
      expect(rpcs.slice(before)).toEqual(["Watch"])
    }),
  )
})

const broken: ReadonlyArray<readonly [string, Authorization["Service"]["authorize"]]> = [
  ["dies", () => Effect.die(new Error("a secret inside"))],
  ["grants nothing", () => Effect.succeed(JSON.parse("null"))],
]

for (const [how, authorize] of broken) {
  layer(Policies.layer({ authorize }), { excludeTestServices: true })(`where the authorization ${how}`, (it) => {
    it.effect("an rpc that needs a permission is an internal error, and its handler does not run", () =>
      Effect.gen(function* () {
        const { rpcs, errors } = yield* Policies.Ran
        for (const wire of wires) {
          const answer = yield* Policies.call(wire, look, { thingId: "x" }, owner)
          expect(answer).toMatchObject({ code: "internal", message: "internal error" })
        }
        const { status } = yield* Policies.rest("GET", "things/x", owner)
        expect(status).toBe(500)
        expect(rpcs).toEqual([])
        expect(errors).toHaveLength(wires.length + 1)
      }),
    )
  })
}
