/** What of a REST request is understood, and how what is not is named. */
import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Probe from "./Probe.ts"
import { call, reader } from "./restCall.ts"

const echo = "/probe/v1/echo"
const one = { displayName: "x" }
const item = (fields: object) => ({ item: { ...one, ...fields } })
/** JSON within JSON, this deep. */
const nested = (depth: number) => `{"item":{"displayName":"x","extra":${'{"a":'.repeat(depth)}1${"}".repeat(depth)}}}`

layer(Probe.layer, { excludeTestServices: true })("a REST request", (it) => {
  it.effect.each([
    ["not JSON", "{", "", "the body is not JSON"],
    ["not UTF-8", Buffer.from('{"item":{"displayName":"\xff"}}', "latin1"), "", "the body is not JSON"],
    ["not an object", "[]", "", "the body must be a JSON object"],
    ["a name given twice", '{"item":{"displayName":"a","displayName":"b"}}', "item.displayName", "is given twice"],
    ["a name in escapes", '{"item":{"labels":[{},{"a":1,"\\u0061":2}]}}', "item.labels[1].a", "is given twice"],
    ["both spellings", { item: { displayName: "x", display_name: "y" } }, "item.displayName", "is given twice"],
    ["an unknown field", item({ color: 1 }), "item.color", "unknown field"],
    ["a wrong type", { item: { displayName: 7 } }, "item.displayName", "must be a string"],
    ["half a character", '{"item":{"displayName":"\\ud83d"}}', "item.displayName", "half a character"],
    ["a wrong enum", item({ kind: "oval" }), "item.kind", "must be one of round, square"],
    ["an enum by number", item({ kind: 1 }), "item.kind", "must be one of"],
    ["a wrong element", item({ labels: ["a", 1] }), "item.labels[1]", "must be a string"],
    ["null for an element", item({ labels: [null] }), "item.labels[0]", "must be a string"],
    ["a wrong integer", item({ sizeBytes: 1.5 }), "item.sizeBytes", "must be an integer"],
    ["empty text for an integer", item({ rank: "" }), "item.rank", "must be an integer"],
    ["an integer out of range", item({ rank: 2 ** 31 }), "item.rank", "from -2147483648 to 2147483647"],
    ["an integer below", item({ rank: "-2147483649" }), "item.rank", "from -2147483648 to 2147483647"],
    ["64 bits too many", item({ sizeBytes: "9223372036854775808" }), "item.sizeBytes", "must be an integer from"],
    ["a number that loses digits", item({ sizeBytes: 2 ** 53 }), "item.sizeBytes", "give it as text"],
    ["a number beyond all", '{"item":{"displayName":"x","weight":1e999}}', "item.weight", "must be a number"],
    ["text for a number", item({ weight: "1.5" }), "item.weight", "must be a number"],
    ["bytes that are none", item({ digest: "a" }), "item.digest", "must be a string in base64"],
    ["a wrong time", item({ createdAt: "yesterday" }), "item.createdAt", "must be a time"],
    ["a wrong time in a map", item({ parts: { a: { createdAt: 1 } } }), 'item.parts["a"].createdAt', "must be a time"],
    ["a rule broken in a map", item({ parts: { a: {} } }), 'item.parts["a"].displayName', "at least 1 characters"],
    ["a document too deep", nested(200), "item.extra", "not nested too deeply"],
    ["a document deeper than the stack", nested(5000), "item.extra", "not nested too deeply"],
    [
      "arrays deeper than the stack",
      `{"item":${"[".repeat(20_000)}${"]".repeat(20_000)}}`,
      "item",
      "must be an object",
    ],
    ["a missing field", {}, "item", "value is required"],
    ["a field out of bounds", { item: { displayName: "" } }, "item.displayName", "must be at least 1 characters"],
    ["money with too many decimals", item({ price: 47.505 }), "item.price", "must have at most 2 decimals"],
    ["money text with too many", item({ price: "0.000" }), "item.price", "must have at most 2 decimals"],
    ["a sliver of money", item({ price: 1e-9 }), "item.price", "must have at most 2 decimals"],
    ["money beyond what is exact", item({ price: 1e13 }), "item.price", "must be less than 10000000000000"],
    ["money without bound", item({ price: -1e300 }), "item.price", "must be less than 10000000000000"],
    ["money in parts", item({ price: { currency: "USD", minorUnits: 1 } }), "item.price", "must be a decimal number"],
    ["money in words", item({ price: "$5" }), "item.price", "must be a decimal number"],
  ] as const)("with %s is refused, and the field named", ([, body, field, message]) =>
    Effect.gen(function* () {
      const { status, json } = yield* call("POST", echo, { body })
      expect([status, json.error.message]).toEqual([400, json.error.message])
      expect(json.error).toMatchObject({ code: "invalid_request", requestId: expect.stringMatching(/^req_/) })
      expect(json.error.details).toEqual([{ field, message: expect.stringContaining(message) }])
    }),
  )

  it.effect.each([
    ["GET", "/probe/v1/items?colour=red", "colour", "unknown parameter"],
    ["GET", "/probe/v1/items?filter.colour=red", "filter.colour", "unknown parameter"],
    ["GET", "/probe/v1/items?page.size=1", "page", "has no fields of its own"],
    ["GET", "/probe/v1/items?filter=x", "filter", "must be an object"],
    ["GET", "/probe/v1/items?page=1&page=2", "page", "is given twice"],
    ["GET", "/probe/v1/items?page=two", "page", "must be an integer"],
    ["GET", "/probe/v1/items?filter.large=yes", "filter.large", "must be true or false"],
    ["GET", "/probe/v1/kinds/square/items?filter.kind=round", "filter.kind", "is given by the path"],
    ["GET", "/probe/v1/kinds/oval/items", "filter.kind", "must be one of round, square"],
    ["POST", "/probe/v1/echo?colour=red", "colour", "unknown parameter"],
    ["POST", "/probe/v1/echo?request_id=k", "requestId", "belongs in the body"],
    ["PATCH", "/probe/v1/items/i?item.display_name=y", "item.displayName", "belongs in the body"],
    ["PATCH", "/probe/v1/items/i?item_id=j", "itemId", "is given by the path"],
  ] as const)("%s %s is refused, and the parameter named", ([method, path, field, message]) =>
    Effect.gen(function* () {
      const body = method === "POST" ? { item: one } : method === "PATCH" ? one : undefined
      const { status, json } = yield* call(method, path, { body })
      expect([status, json.error.details]).toEqual([400, [{ field, message: expect.stringContaining(message) }]])
    }),
  )

  it.effect("whose body says what the path says is refused", () =>
    Effect.gen(function* () {
      for (const name of ["itemId", "item_id"]) {
        const body = { how: "NotFound", [name]: "other" }
        const { status, json } = yield* call("POST", "/probe/v1/items/i:misbehave", { body })
        expect([status, json.error.details]).toEqual([400, [{ field: "itemId", message: "is given by the path" }]])
      }
    }),
  )

  it.effect("takes parameters in either spelling, repeated, and beside a body", () =>
    Effect.gen(function* () {
      const list = yield* call("GET", "/probe/v1/items?filter.labels=a%20b&filter.labels=c,d&filter.large=false&page=0")
      expect(list.json.filter).toMatchObject({ labels: ["a b", "c,d"], large: false })
      const { status } = yield* call("PATCH", "/probe/v1/items/i?quietly=true", { body: one })
      expect(status).toBe(200)
    }),
  )

  it.effect("tells absent, null and empty apart, as far as the contract does", () =>
    Effect.gen(function* () {
      const patch = (fields: object) => call("PATCH", "/probe/v1/items/i", { body: { ...one, ...fields } })
      const absent = yield* patch({})
      expect(absent.json).not.toHaveProperty("note")
      expect((yield* patch({ note: null, labels: null, kind: null, price: null })).json).toEqual(absent.json)
      expect((yield* patch({ note: "" })).json).toEqual({ ...absent.json, note: "" })
      expect((yield* patch({ labels: [] })).json).toEqual(absent.json)
    }),
  )

  it.effect.each([
    [47.5, 47.5],
    ["47.50", 47.5],
    ["0.1", 0.1],
    [0.29, 0.29],
    [-12, -12],
    ["-0.01", -0.01],
    ["9999999999999.99", 9999999999999.99],
    [9999999999999.99, 9999999999999.99],
    [0, 0],
  ] as const)("takes money as it is answered: %s", ([price, answered]) =>
    Effect.gen(function* () {
      const { status, json } = yield* call("POST", echo, { body: item({ price }) })
      expect([status, json.item.price]).toEqual([201, answered])
    }),
  )

  it.effect("keeps numbers at the ends of their ranges", () =>
    Effect.gen(function* () {
      const fields = { rank: -(2 ** 31), sizeBytes: Number.MAX_SAFE_INTEGER, weight: 5e-324, digest: "AP8=" }
      const { json } = yield* call("POST", echo, { body: item(fields) })
      expect(json.item).toMatchObject(fields)
      const text = yield* call("POST", echo, { body: item({ sizeBytes: "-9223372036854775808", digest: "_-8" }) })
      expect(text.json.item).toMatchObject({ sizeBytes: -(2 ** 63), digest: "/+8=" })
    }),
  )

  it.effect.each(["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"])(
    "of %s is JSON",
    (type) =>
      Effect.gen(function* () {
        const { status } = yield* call("POST", echo, { body: item({}), headers: { "content-type": type } })
        expect(status).toBe(201)
      }),
  )

  it.effect.each([
    { "content-type": "text/plain" },
    { "content-type": "application/x-www-form-urlencoded" },
    { "content-type": "application/json; charset=utf-16" },
    { "content-type": "application/jsonp" },
    { "content-encoding": "gzip" },
  ])("of another kind is refused with 415 (%o)", (headers) =>
    Effect.gen(function* () {
      const { status, json } = yield* call("POST", echo, { body: item({}), headers })
      expect([status, json.error.code, json.error.reason]).toEqual([
        415,
        "unsupported_media_type",
        "unsupported_media_type",
      ])
    }),
  )

  it.effect("without credentials is refused before anything is said of it", () =>
    Effect.gen(function* () {
      const { status } = yield* call("GET", "/probe/v1/items/x?colour=red")
      expect(status).toBe(401)
      const known = yield* call("GET", "/probe/v1/items/x?colour=red", { headers: reader })
      expect(known.status).toBe(400)
    }),
  )
})
