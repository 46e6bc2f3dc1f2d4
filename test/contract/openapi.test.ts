/** openapi.json says what the server does: every route is called by its description, and answers as described. */
import { readdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { equals, type JsonValue, type Message } from "@bufbuild/protobuf"
import { expect, layer } from "@effect/vitest"
import { Validator } from "@seriousme/openapi-schema-validator"
import * as Effect from "effect/Effect"
import { describe, it as test } from "vitest"
import { policyOf } from "#shared/rpc/Policy.ts"
import { classes, isReason } from "#shared/rpc/PublicError.ts"
import type { Document, Response } from "#shared/rpc/rest/openapi/Document.ts"
import { openApi } from "#shared/rpc/rest/openapi/openApi.ts"
import { kindsOfReason } from "#shared/rpc/rest/openapi/reasons.ts"
import { Listening } from "#shared/rpc/Server.ts"
import { violationsOf as refusalOf } from "#shared/rpc/validation.ts"
import { bindings, isProbe, services } from "./openapi/Contract.ts"
import { call, preflight, sentBy } from "./openapi/call.ts"
import { bodySchema, Described, type DescribedOperation, parametersIn } from "./openapi/Described.ts"
import { fullExample, sparseExample } from "./openapi/examples.ts"
import { random } from "./openapi/Random.ts"
import { requestJson } from "./openapi/requestJson.ts"
import * as Stage from "./openapi/Stage.ts"
import { trialsOf } from "./openapi/trials.ts"

const root = resolve(import.meta.dirname, "../..")
const committed: Document = JSON.parse(readFileSync(join(root, "openapi.json"), "utf8"))

/** The kit's own contract has what the product's has not: nested parameters, maps, a second path with a variable. */
const probe = openApi({
  info: { title: "probe", version: "v1" },
  servers: [],
  surfaces: [{ methods: services.flatMap(({ methods }) => methods).filter(isProbe) }],
})

const routes = [committed, probe].flatMap((document) => {
  const described = new Described(document)
  return described.operations.map((route) => [`${route.verb} ${route.path}`, described, route] as const)
})

const bindingOf = ({ operation }: DescribedOperation) => {
  const binding = bindings.get(operation.operationId)
  if (binding === undefined) throw new Error(`${operation.operationId} is no rpc`)
  return binding
}

/** A request as its route sends it. A key of a request is what a header can carry. */
const sent = (described: Described, route: DescribedOperation, request: Message) => {
  const { method, body } = bindingOf(route)
  if ("requestId" in request && request.requestId !== "") request.requestId = "key-1"
  return sentBy(described, route, requestJson(method.input, request), body === "" || body === "*" ? undefined : body)
}

const expectDescribed = (
  described: Described,
  route: DescribedOperation,
  status: number,
  json: JsonValue | undefined,
) => {
  const response = described.response(route.operation, status)
  expect(response, `${status} is described`).toBeDefined()
  const schema = response?.content?.["application/json"]?.schema
  expect(json === undefined, "there is JSON where it is described, and only there").toBe(schema === undefined)
  if (schema !== undefined) expect(described.errors(schema, json ?? null)).toEqual([])
}

/** A file comes as it is, under any type, and is described as bytes with a name. */
const expectFile = (response: Response | undefined, headers: Headers, body: Buffer) => {
  expect(response?.content).toEqual({ "*/*": { schema: { type: "string", format: "binary" } } })
  expect(response?.headers).toHaveProperty("Content-Disposition")
  expect(headers.get("content-disposition")).toMatch(/^attachment/)
  expect([headers.get("content-type"), body.subarray(0, 2)]).toEqual(["application/pdf", Buffer.from([0, 255])])
}

describe("openapi.json", () => {
  test.each([
    ["the committed document", committed],
    ["the probe's", probe],
  ])("%s is OpenAPI 3.1", async (_, document) => {
    expect(await new Validator().validate({ ...document })).toEqual({ valid: true })
  })

  test("has every REST route of the contract, and no other", () => {
    const wanted = [...bindings].filter(([, { method }]) => !isProbe(method)).map(([operationId]) => operationId)
    const found = new Described(committed).operations.map(({ operation }) => operation.operationId)
    expect(found.toSorted()).toEqual(wanted.toSorted())
    expect(found.length).toBeGreaterThan(90)
  })

  test.each(routes)("%s names its path's variables, its tag and its credentials", (_, { document }, route) => {
    const variables = [...route.path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name)
    expect(parametersIn(route.operation, "path").map(({ name }) => name)).toEqual(variables)
    expect(document.tags.map(({ name }) => name)).toEqual(expect.arrayContaining([...route.operation.tags]))
    for (const needed of route.operation.security) {
      expect(Object.keys(document.components.securitySchemes)).toEqual(expect.arrayContaining(Object.keys(needed)))
    }
  })

  test("describes every operation, parameter and property in words", () => {
    const silent = Object.entries(committed.components.schemas).flatMap(([name, schema]) =>
      Object.entries(schema["properties"] ?? {}).flatMap(([field, property]) =>
        "description" in property ? [] : [`${name}.${field}`],
      ),
    )
    const dumb = new Described(committed).operations.flatMap(({ operation }) =>
      [operation, ...(operation.parameters ?? [])].filter(({ description }) => description === undefined),
    )
    expect([silent, dumb]).toEqual([[], []])
  })

  test("knows as what kind of refusal the services send each reason", () => {
    const kinds = Object.keys(classes).join("|")
    const refusal = new RegExp(`new (${kinds})\\(\\{\\s*reason: "([A-Z_]+)"`, "g")
    const sources = ["services", "shared"].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
        .map((name) => readFileSync(join(root, folder, name), "utf8")),
    )
    const pairs = sources.flatMap((text) =>
      [...text.matchAll(refusal)].map(([, kind = "", reason = ""]) => ({ kind, reason })),
    )
    expect(pairs.length).toBeGreaterThan(40)
    const unknown = pairs.filter(({ kind, reason }) => {
      const known: ReadonlyArray<string> = isReason(reason) ? kindsOfReason[reason] : []
      return !known.includes(kind)
    })
    expect(unknown).toEqual([])
  })
})

layer(Stage.layer, { excludeTestServices: true })("by its description", (it) => {
  it.effect.each(routes)("%s takes and answers what it says", ([, described, route]) =>
    Effect.gen(function* () {
      const { answers, asked } = yield* Stage.Script
      const { method, template, answer: part } = bindingOf(route)
      const { input, output } = method
      const chance = random(route.path.length * 7919)
      const variables = template.variables.map(({ path }) => path)
      const answered = "field" in part && part.field !== undefined ? [[part.field.name]] : []
      for (const [request, answer] of [
        [fullExample(input, chance), fullExample(output, chance)],
        [sparseExample(input, chance, variables), sparseExample(output, chance, answered)],
      ] as const) {
        const parts = sent(described, route, request)
        expect(refusalOf(input, request, "jsonName")?.message, "the request's rules").toBeUndefined()
        expect(refusalOf(output, answer, "jsonName")?.message, "the answer's rules").toBeUndefined()
        for (const { name, in: place, schema } of route.operation.parameters ?? []) {
          const value = parts[place === "header" ? "headers" : place][name]
          if (value !== undefined) expect(described.errors(schema, value), `${place} ${name}`).toEqual([])
        }
        const schema = bodySchema(route.operation)
        if (schema !== undefined) expect(described.errors(schema, parts.body ?? {}), "the body").toEqual([])

        answers.set(method, answer)
        const { status, json, headers, body } = yield* call(route, parts)
        expect([status, json]).toEqual([policyOf(method).successStatus, json])
        expectDescribed(described, route, status, json)
        if (part.kind === "file") expectFile(described.response(route.operation, status), headers, body)
        expect(headers.get("x-request-id")).toMatch(/^req_/)
        expect(equals(input, asked.get(method) ?? answer, request), "what arrived is what was sent").toBe(true)
      }
    }),
  )

  it.effect.each(routes)("%s refuses what its description refuses, and nothing else", ([, described, route]) =>
    Effect.gen(function* () {
      const { answers } = yield* Stage.Script
      const { method, body } = bindingOf(route)
      answers.set(method, fullExample(method.output, random(17)))
      const right = sent(described, route, fullExample(method.input, random(4711)))
      const trials = trialsOf(described, route, right, body === "*")
      expect(trials.filter(({ allowed }) => !allowed).length).toBeGreaterThan(0)
      for (const { what, sent, allowed } of trials) {
        const { status, json } = yield* call(route, sent)
        expect([what, status]).toEqual([what, allowed ? policyOf(method).successStatus : 400])
        if (!allowed) expectDescribed(described, route, status, json)
      }
    }),
  )

  it.effect.each(routes.filter(([, , route]) => policyOf(bindingOf(route).method).access !== "PUBLIC"))(
    "%s refuses who shows no credentials, as described",
    ([, described, route]) =>
      Effect.gen(function* () {
        expect(route.operation.security.length).toBeGreaterThan(0)
        const right = sent(described, route, fullExample(bindingOf(route).method.input, random(4711)))
        const { status, json } = yield* call(route, right, () => ({}))
        expect(status).toBe(401)
        expectDescribed(described, route, status, json)
      }),
  )

  it.effect.each(routes)(
    "%s may be called from a page of a named origin, and its answer be read",
    ([, described, route]) =>
      Effect.gen(function* () {
        const right = sent(described, route, fullExample(bindingOf(route).method.input, random(4711)))
        const { status, methods } = yield* preflight(route, right)
        expect([status, methods]).toEqual([204, expect.arrayContaining([route.verb.toUpperCase()])])
        const { headers } = yield* call(route, right, () => ({ origin: Stage.page }))
        expect(headers.get("access-control-allow-origin")).toBe(Stage.page)
      }),
  )

  it.effect("a process describes what it serves as the committed document does", () =>
    Effect.gen(function* () {
      const { httpPort } = yield* Listening
      const response = yield* Effect.promise(() => fetch(`http://127.0.0.1:${httpPort}/openapi.json`))
      const served: Document = JSON.parse(yield* Effect.promise(() => response.text()))
      expect(response.headers.get("content-type")).toBe("application/json")
      expect(yield* Effect.promise(() => new Validator().validate({ ...served }))).toEqual({ valid: true })
      const control = ({ paths }: Document) =>
        Object.fromEntries(Object.entries(wordless(paths)).filter(([path]) => path.startsWith("/control/")))
      expect(Object.keys(control(served)).length).toBeGreaterThan(30)
      expect(control(served)).toEqual(control(committed))
      expect(wordless(served.components.schemas)).toMatchObject(wordless(committed.components.schemas))
    }),
  )
})

/** The document as it is without the contract's source. */
const wordless = <A>(json: A): A =>
  JSON.parse(JSON.stringify(json), (key, value) =>
    typeof value === "string" && (key === "description" || key === "summary") ? undefined : value,
  )
