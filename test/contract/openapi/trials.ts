/** Requests that differ in one place from one that is right, and what their description says of them. */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf"
import type { Schema } from "#shared/rpc/rest/openapi/Document.ts"
import { isObject, type Sent } from "./call.ts"
import { bodySchema, type Described, type DescribedOperation, parametersIn } from "./Described.ts"

export interface Trial {
  readonly what: string
  readonly sent: Sent
  /** Whether the description allows it. */
  readonly allowed: boolean
}

/**
 * Trials of every parameter and property with values on both sides of every bound, and without each of them. Where there
 * is no body, something undescribed: in the body, where that is what the server reads, else in the query.
 */
export const trialsOf = (
  described: Described,
  { operation }: DescribedOperation,
  right: Sent,
  readsBody: boolean,
): ReadonlyArray<Trial> => [
  ...parameterTrials(described, operation, right),
  ...(bodySchema(operation) === undefined ? [undescribed(right, readsBody)] : bodyTrials(described, operation, right)),
]

const parameterTrials = (
  described: Described,
  operation: DescribedOperation["operation"],
  right: Sent,
): ReadonlyArray<Trial> =>
  places.flatMap(([place, part, fits]) =>
    parametersIn(operation, place).flatMap(({ name, schema, required }) => [
      ...valuesFor(described.resolved(schema))
        .filter((value) => isTextOf(schema, value) && fits(value))
        .map((value) => ({
          what: `${place} ${name} = ${show(value)}`,
          sent: { ...right, [part]: { ...right[part], [name]: value } },
          allowed: described.errors(schema, value).length === 0,
        })),
      ...(place === "path"
        ? []
        : [
            {
              what: `${place} without ${name}`,
              sent: { ...right, [part]: without(right[part], name) },
              allowed: required !== true,
            },
          ]),
    ]),
  )

const bodyTrials = (
  described: Described,
  operation: DescribedOperation["operation"],
  right: Sent,
): ReadonlyArray<Trial> => {
  const schema = bodySchema(operation) ?? {}
  const body = isObject(right.body) ? right.body : {}
  const { properties } = described.resolved(schema)
  const changed = Object.entries(isObject(properties) ? properties : {}).flatMap(([name, property]) => [
    ...valuesFor(isObject(property) ? described.resolved(property) : {}).map((value) => ({ ...body, [name]: value })),
    without(body, name),
  ])
  return [...changed, { ...body, noSuchProperty: 1 }, 7].map((each) => ({
    what: `body ${show(each)}`,
    sent: { ...right, body: each },
    allowed: described.errors(schema, each).length === 0,
  }))
}

const undescribed = (right: Sent, readsBody: boolean): Trial => ({
  what: "something undescribed",
  sent: readsBody
    ? { ...right, body: { noSuchProperty: 1 } }
    : { ...right, query: { ...right.query, noSuchParameter: "1" } },
  allowed: false,
})

const without = <A extends JsonValue>(record: Readonly<Record<string, A>>, name: string): JsonObject =>
  Object.fromEntries(Object.entries(record).filter(([key]) => key !== name))

const isShort = (value: JsonValue): boolean => JSON.stringify(value).length < 8000

/** Which values HTTP can carry there: a segment of a path is not empty, and a header's space at either end is lost. */
const places = [
  ["path", "path", (value: JsonValue) => value !== "" && isShort(value)],
  ["query", "query", isShort],
  ["header", "headers", (value: JsonValue) => typeof value === "string" && /^[!-~]+$/.test(value)],
] as const

/** Whether a value that is written as text is still of another kind than its schema wants. */
const isTextOf = ({ type, items }: Schema, value: JsonValue): boolean => {
  if (type === "array")
    return Array.isArray(value) && value.every((each) => isTextOf(isObject(items) ? items : {}, each))
  return typeof value === "string" || (typeof value === "number" && type !== "string")
}

const show = (value: JsonValue): string => JSON.stringify(value).slice(0, 300)

const number = (keyword: JsonValue | undefined): ReadonlyArray<number> => (typeof keyword === "number" ? [keyword] : [])

/** Values on both sides of the schema's bounds, and of another type. */
const valuesFor = (schema: Schema): ReadonlyArray<JsonValue> => {
  switch (schema["type"]) {
    case "string": {
      const lengths = [...number(schema["minLength"]), ...number(schema["maxLength"])].flatMap((n) => [n - 1, n, n + 1])
      const texts = lengths.filter((n) => n >= 0).flatMap((n) => ["x".repeat(n), "🙂".repeat(n)])
      return ["", "!", "\n", "abcdefgh", "123456", "x".repeat(257), 7, ...texts]
    }
    case "integer":
    case "number":
      return [
        ...[...number(schema["minimum"]), ...number(schema["maximum"])].flatMap((n) => [n - 1, n, n + 1]),
        1.5,
        "seven",
        -1,
      ]
    case "boolean":
      return ["perhaps", true, false]
    case "array": {
      const items = isObject(schema["items"]) ? valuesFor(schema["items"]) : []
      const lengths = [...number(schema["minItems"]), ...number(schema["maxItems"])].flatMap((n) => [n, n + 1])
      return [...items.map((value) => [value]), ...lengths.map((n) => Array.from({ length: n }, () => "a")), [], "x"]
    }
    default:
      return [7, {}]
  }
}
