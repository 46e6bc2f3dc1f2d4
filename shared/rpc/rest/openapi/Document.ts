/** The parts of an OpenAPI 3.1 document that we write (https://spec.openapis.org/oas/v3.1.1). */
import type { JsonObject } from "@bufbuild/protobuf"

/** The HTTP methods that OpenAPI knows, in lower case. */
export const verbs = ["get", "put", "post", "delete", "patch", "head", "options", "trace"] as const
export type Verb = (typeof verbs)[number]

/** A JSON Schema, draft 2020-12. */
export type Schema = JsonObject

export interface Reference {
  readonly $ref: string
}

export interface Server {
  readonly url: string
  readonly description?: string
  readonly variables?: { readonly [name: string]: { readonly default: string; readonly description?: string } }
}

export interface Header {
  readonly description?: string
  readonly schema: Schema
}

export interface Parameter extends Header {
  readonly name: string
  readonly in: "path" | "query" | "header"
  readonly required?: boolean
}

/** By media type, or range of them. */
export interface Content {
  readonly [type: string]: { readonly schema: Schema }
}

export interface Response {
  readonly description: string
  readonly headers?: { readonly [name: string]: Header | Reference }
  readonly content?: Content
  readonly "x-authsome-reasons"?: ReadonlyArray<string>
}

/** Names of security schemes that are needed together. */
export interface SecurityRequirement {
  readonly [scheme: string]: ReadonlyArray<string>
}

export interface Operation {
  readonly operationId: string
  readonly tags: ReadonlyArray<string>
  readonly summary?: string
  readonly description?: string
  readonly parameters?: ReadonlyArray<Parameter>
  readonly requestBody?: { readonly required: boolean; readonly content: Content }
  readonly responses: { readonly [status: string]: Response | Reference }
  readonly security: ReadonlyArray<SecurityRequirement>
  readonly "x-authsome-permission"?: string
  readonly "x-authsome-rate-class"?: string
  readonly "x-authsome-repeatable": boolean
}

export type PathItem = { readonly [V in Verb]?: Operation } & { readonly servers?: ReadonlyArray<Server> }

export interface Document {
  readonly openapi: "3.1.1"
  readonly info: { readonly title: string; readonly version: string; readonly description?: string }
  readonly servers: ReadonlyArray<Server>
  readonly tags: ReadonlyArray<{ readonly name: string; readonly description?: string }>
  readonly paths: { readonly [path: string]: PathItem }
  readonly components: {
    readonly schemas: { readonly [name: string]: Schema }
    readonly responses: { readonly [name: string]: Response }
    readonly headers: { readonly [name: string]: Header }
    readonly securitySchemes: { readonly [name: string]: JsonObject }
  }
}

/**
 * What a contract's source says of its elements, by full name: services, messages and enums by theirs, rpcs, fields and
 * enum values by "parent.name". Descriptors carry no comments at run time.
 */
export type Comments = ReadonlyMap<string, string>
