/** Calls of a route by its description alone, with values from a request in JSON. */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf"
import * as Effect from "effect/Effect"
import { Listening } from "#shared/rpc/Server.ts"
import { bodySchema, type Described, type DescribedOperation, parametersIn } from "./Described.ts"
import { credentials, page } from "./Stage.ts"

export interface Sent {
  readonly path: Readonly<Record<string, JsonValue>>
  readonly query: Readonly<Record<string, JsonValue>>
  readonly headers: Readonly<Record<string, JsonValue>>
  readonly body: JsonValue | undefined
}

export interface Answered {
  readonly status: number
  readonly headers: Headers
  /** Undefined where the body is empty, or a file. */
  readonly json: JsonValue | undefined
  readonly body: Buffer
}

/** What goes where: `bodyField` is the request's field that is the body of its own. */
export const sentBy = (
  described: Described,
  { operation }: DescribedOperation,
  request: JsonObject,
  bodyField: string | undefined,
): Sent => {
  const given = (place: "path" | "query" | "header", text: (name: string) => string) =>
    Object.fromEntries(
      parametersIn(operation, place).flatMap(({ name }) => {
        const value = at(request, text(name).split("."))
        return value === undefined ? [] : [[name, value]]
      }),
    )
  return {
    path: given("path", (name) => name),
    query: given("query", (name) => name),
    headers: given("header", () => "requestId"),
    body: bodyField === undefined ? bodyIn(described, operation, request) : request[bodyField],
  }
}

const bodyIn = (described: Described, operation: DescribedOperation["operation"], request: JsonObject) => {
  const schema = bodySchema(operation)
  if (schema === undefined) return undefined
  const { properties } = described.resolved(schema)
  const names = Object.keys(isObject(properties) ? properties : {}).filter((name) => request[name] !== undefined)
  return Object.fromEntries(names.map((name) => [name, request[name] ?? null]))
}

const at = (json: JsonValue | undefined, path: ReadonlyArray<string>): JsonValue | undefined =>
  path.reduce<JsonValue | undefined>((value, name) => (isObject(value) ? value[name] : undefined), json)

export const isObject = (json: JsonValue | undefined): json is JsonObject =>
  typeof json === "object" && json !== null && !Array.isArray(json)

/** What a browser asks before it lets a page call the route: which methods are offered there. */
export const preflight = Effect.fnUntraced(function* ({ path, verb }: DescribedOperation, sent: Sent) {
  const { httpPort } = yield* Listening
  const headers = { origin: page, "access-control-request-method": verb.toUpperCase() }
  const url = `http://127.0.0.1:${httpPort}${filled(path, sent)}`
  const response = yield* Effect.promise(() => fetch(url, { method: "OPTIONS", headers }))
  return { status: response.status, methods: response.headers.get("access-control-allow-methods")?.split(", ") ?? [] }
})

const filled = (path: string, sent: Sent): string =>
  path.replaceAll(/\{([^}]+)\}/g, (_, name: string) => encodeURIComponent(text(sent.path[name] ?? "")))

/** Sends a request over HTTP, with the credentials that the operation asks for unless told otherwise. */
export const call = Effect.fnUntraced(function* (
  { path, verb, operation }: DescribedOperation,
  sent: Sent,
  credentialsOf: (operation: DescribedOperation["operation"]) => Record<string, string> = shown,
) {
  const { httpPort } = yield* Listening
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(sent.query)) {
    for (const each of Array.isArray(value) ? value : [value]) query.append(name, text(each))
  }
  const url = `http://127.0.0.1:${httpPort}${filled(path, sent)}${query.size === 0 ? "" : `?${query}`}`
  const headers = {
    ...credentialsOf(operation),
    ...Object.fromEntries(Object.entries(sent.headers).map(([name, value]) => [name, text(value)])),
    ...(sent.body === undefined ? {} : { "content-type": "application/json" }),
  }
  const body = sent.body === undefined ? null : JSON.stringify(sent.body)
  const response = yield* Effect.promise(() => fetch(url, { method: verb.toUpperCase(), headers, body }))
  const answer = Buffer.from(yield* Effect.promise(() => response.arrayBuffer()))
  const isJson = response.headers.get("content-type") === "application/json"
  const json: JsonValue | undefined = isJson ? JSON.parse(answer.toString()) : undefined
  return { status: response.status, headers: response.headers, json, body: answer } satisfies Answered
})

const text = (value: JsonValue): string => (typeof value === "string" ? value : JSON.stringify(value))

const shown = ({ security }: DescribedOperation["operation"]): Record<string, string> => {
  const known: Readonly<Record<string, Record<string, string>>> = credentials
  return Object.assign({}, ...Object.keys(security[0] ?? {}).map((scheme) => known[scheme]))
}
