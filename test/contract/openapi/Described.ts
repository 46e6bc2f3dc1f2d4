/** An OpenAPI document as its readers use it: its operations, and validators for what goes in and comes out. */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf"
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js"
import formats from "ajv-formats"
import type { Document, Operation, Parameter, Response, Schema } from "#shared/rpc/rest/openapi/Document.ts"

export interface DescribedOperation {
  readonly path: string
  readonly verb: string
  readonly operation: Operation
}

export class Described {
  readonly document: Document
  readonly operations: ReadonlyArray<DescribedOperation>
  readonly #components: JsonObject
  readonly #validators = new Map<Schema, ValidateFunction>()
  // Strict: a keyword that is not known, or would be ignored where it stands, is a mistake.
  readonly #ajv = formats
    .default(new Ajv2020({ strict: true, strictRequired: false, allErrors: true }))
    .addKeyword("components")

  constructor(document: Document) {
    this.document = document
    this.#components = JSON.parse(JSON.stringify(document.components), (_, value) => closed(value))
    this.operations = Object.entries(document.paths).flatMap(([path, { servers: _, ...item }]) =>
      Object.entries(item).map(([verb, operation]) => ({ path, verb, operation })),
    )
  }

  /** What is wrong with a value by a schema of the document; nothing, where it is as described. */
  errors(schema: Schema, value: JsonValue): ReadonlyArray<string> {
    const known = this.#validators.get(schema)
    const validate = known ?? this.#ajv.compile({ ...closed(schema), components: this.#components })
    this.#validators.set(schema, validate)
    return validate(value) ? [] : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`)
  }

  /** The schema itself, where it is a reference to a component. */
  resolved(schema: Schema): Schema {
    const { $ref } = schema
    if (typeof $ref !== "string") return schema
    return this.document.components.schemas[$ref.slice("#/components/schemas/".length)] ?? schema
  }

  /** The response that an operation describes for a status. */
  response({ responses }: Operation, status: number): Response | undefined {
    const response = responses[status]
    if (response === undefined || !("$ref" in response)) return response
    return this.document.components.responses[response.$ref.slice("#/components/responses/".length)]
  }
}

/** The schema of a request's body, where it has one. */
export const bodySchema = ({ requestBody }: Operation): Schema | undefined =>
  requestBody?.content["application/json"]?.schema

/** What a body of this schema, or parameters of these names, take from the fields of a request. */
export const parametersIn = ({ parameters = [] }: Operation, place: Parameter["in"]): ReadonlyArray<Parameter> =>
  parameters.filter((parameter) => parameter.in === place)

/** Answers may gain members, but none that is not described: here an undescribed one is an error. */
const closed = (schema: Schema): Schema =>
  typeof schema === "object" && schema !== null && schema["type"] === "object" && schema["properties"] !== undefined
    ? { additionalProperties: false, ...schema }
    : schema
