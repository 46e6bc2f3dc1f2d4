/** Each field of a policy, at work. */
import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import { it as plain } from "vitest"
import { PolicySchema } from "#gen/authsome/mesh/v1/policy_pb.ts"
import { ProbeService } from "#gen/authsome/testing/v1/probe_pb.ts"
import * as Channel from "#shared/rpc/client/Channel.ts"
import * as Client from "#shared/rpc/client/Client.ts"
import * as Server from "#shared/rpc/Server.ts"
import * as Probe from "./Probe.ts"

const accessLines: Array<Readonly<Record<string, unknown>>> = []

const log = Logger.layer([
  Logger.make(({ message, fiber }) => {
    if (String(message) === "access") accessLines.push(fiber.getRef(References.CurrentLogAnnotations))
  }),
])

const rest = (verb: string, path: string, user?: string, body?: object) =>
  Effect.flatMap(Server.Listening, ({ httpPort }) =>
    Effect.promise(async () => {
      const response = await fetch(`http://127.0.0.1:${httpPort}/probe/v1/${path}`, {
        method: verb,
        headers: {
          ...(user === undefined ? {} : { authorization: `Bearer ${user}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        body: body === undefined ? null : JSON.stringify(body),
      })
      const text = await response.text()
      return { status: response.status, json: text === "" ? undefined : JSON.parse(text) }
    }),
  )

const statusOf = (...args: Parameters<typeof rest>) => Effect.map(rest(...args), ({ status }) => status)

const calledBy = (peer: string) =>
  Effect.gen(function* () {
    const { grpcPort } = yield* Server.Listening
    const url = new URL(`http://127.0.0.1:${grpcPort}`)
    const channel = yield* Channel.make({ url, peer, internalKey: Probe.meshKey })
    return yield* Effect.result(Client.make(ProbeService, channel).whoAmI({}))
  }).pipe(Effect.scoped)

type Shown = Effect.Effect<unknown, unknown, Server.Listening | Probe.Seen>

const shown: Readonly<Record<string, Shown>> = {
  access: Effect.gen(function* () {
    expect(yield* statusOf("GET", "items/itm_1")).toBe(401)
    expect(yield* statusOf("GET", "items/itm_1", "reader")).toBe(200)
    // This process cannot check the callers of this one: it lets nobody in.
    expect(yield* statusOf("GET", "forbidden", "owner")).toBe(401)
  }),
  permission: Effect.gen(function* () {
    expect(yield* statusOf("DELETE", "items/itm_1", "reader")).toBe(403)
    expect(yield* statusOf("DELETE", "items/itm_1", "owner")).toBe(204)
  }),
  scope: Effect.gen(function* () {
    const { permissions } = yield* Probe.Seen
    yield* rest("GET", "items/itm_scope", "reader")
    expect(permissions.at(-1)).toBe("items.read item_id=itm_scope")
  }),
  deadline: Effect.gen(function* () {
    const { interrupted } = yield* Probe.Seen
    expect(yield* statusOf("POST", "items/i:misbehave", undefined, { how: "slow" })).toBe(504)
    expect((yield* Probe.Seen).interrupted).toBe(interrupted + 1)
  }),
  success_status: Effect.gen(function* () {
    expect(yield* statusOf("POST", "echo", undefined, { item: { displayName: "x" } })).toBe(201)
  }),
  audit: Effect.gen(function* () {
    const { records } = yield* Probe.Seen
    records.length = 0
    yield* rest("GET", "items/itm_1", "owner")
    yield* rest("DELETE", "items/itm_1", "owner")
    expect(records).toEqual(["item.deleted"])
  }),
  callers: Effect.gen(function* () {
    expect(yield* calledBy("tester")).toMatchObject({ _tag: "Success" })
    expect(yield* calledBy("intruder")).toMatchObject({ failure: { reason: "PERMISSION_DENIED" } })
  }),
  access_log: Effect.gen(function* () {
    accessLines.length = 0
    yield* rest("GET", "items/itm_log", "owner")
    yield* rest("GET", "items/itm_log")
    yield* rest("GET", "items")
    const common = { rpc: `${ProbeService.typeName}/GetItem`, item_id: "itm_log" }
    expect(accessLines).toMatchObject([
      { ...common, outcome: "OK" },
      { ...common, outcome: "UNAUTHENTICATED" },
    ])
  }),
  error_shape: Effect.gen(function* () {
    const flat = yield* rest("GET", "forbidden")
    expect(flat.json).toEqual({ error: "unauthenticated", message: expect.any(String) })
    const envelope = yield* rest("GET", "items/itm_1")
    expect(envelope.json).toMatchObject({ error: { code: "unauthorized", reason: "unauthenticated" } })
  }),
}

/** Shown in files of their own. */
const elsewhere = { reasons: "policies.test.ts", rate_class: "policiesRates.test.ts" }

layer(Probe.layerWith({}, log), { excludeTestServices: true })("the field of a policy", (it) => {
  it.effect.each(Object.entries(shown))("%s is enforced", ([, proof]) => proof)
})

plain("every field of a policy has a test", () => {
  const tested = [...Object.keys(shown), ...Object.keys(elsewhere)]
  expect(tested.sort()).toEqual(PolicySchema.fields.map(({ name }) => name).sort())
})
