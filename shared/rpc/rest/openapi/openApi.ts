/**
 * An OpenAPI 3.1 document of REST routes, from their contract alone: the same descriptors, rules and policies by which the
 * transcoder serves them.
 */
import type { DescMethod, DescService } from "@bufbuild/protobuf"
import { type AccessKind, policyOf } from "../../Policy.ts"
import type { Reason } from "../../PublicError.ts"
import { type Binding, bindingsOf } from "../Binding.ts"
import {
  type Comments,
  type Document,
  type Header,
  type Operation,
  type PathItem,
  type Server,
  verbs,
} from "./Document.ts"
import { operationOf, pathOf } from "./operation.ts"
import { Refusals } from "./Refusals.ts"
import { Schemas } from "./Schemas.ts"
import { securitySchemes } from "./security.ts"

/** What stands between callers and the program that serves a route. */
export interface Gateway {
  /** What it asks of every caller, of those too whom the route itself would not ask. */
  readonly access: AccessKind
  /** Why it refuses. */
  readonly reasons: ReadonlyArray<Reason>
  /** The headers that it adds to every answer. */
  readonly headers: Readonly<Record<string, Header>>
}

/** Rpcs that are served at one place. */
export interface Surface {
  readonly methods: ReadonlyArray<DescMethod>
  /** Unset: the document's servers. */
  readonly servers?: ReadonlyArray<Server>
  /** Unset: nothing stands in between. */
  readonly gateway?: Gateway
}

export interface DocumentOptions {
  readonly info: Document["info"]
  readonly servers: ReadonlyArray<Server>
  readonly surfaces: ReadonlyArray<Surface>
  /** What the contract's source says. Unset: descriptors alone, without descriptions. */
  readonly comments?: Comments
}

/**
 * Describes every REST route of the surfaces' rpcs; what is internal to the mesh has none. Throws where two routes share
 * verb and path, or two operations a name.
 */
export const openApi = ({ info, servers, surfaces, comments = new Map() }: DocumentOptions): Document => {
  const routes = surfaces.flatMap((surface) =>
    surface.methods
      .filter((method) => policyOf(method).access !== "INTERNAL")
      .flatMap((method) => bindingsOf(method).map((binding, index) => ({ surface, binding, nth: index + 1 }))),
  )
  const methods = routes.map(({ binding }) => binding.method)
  const schemas = new Schemas(
    comments,
    methods.map(({ output }) => output),
  )
  const refusals = new Refusals(comments)
  const operations = routes.map(({ surface, binding, nth }) => ({
    surface,
    binding,
    operation: operationOf(binding, nth, { schemas, refusals, comments, gateway: surface.gateway }),
  }))
  refuseTwins(operations.map(({ operation }) => operation.operationId))
  const headers: Record<string, Header> = { ...ownHeaders }
  for (const { gateway } of surfaces) Object.assign(headers, gateway?.headers)
  return {
    openapi: "3.1.1",
    info,
    servers,
    tags: tagsOf(methods, comments),
    paths: pathsOf(operations),
    components: {
      schemas: { ...refusals.schemas, ...schemas.components },
      responses: refusals.components,
      headers,
      securitySchemes: Object.fromEntries(
        Object.entries(securitySchemes).filter(([name]) =>
          operations.some(({ operation }) => operation.security.some((needed) => name in needed)),
        ),
      ),
    },
  }
}

const count = { type: "integer", minimum: 0 }

const ownHeaders: Readonly<Record<string, Header>> = {
  "X-Request-Id": { description: "Finds the call in the log.", schema: { type: "string", maxLength: 128 } },
  "Content-Disposition": { description: "The name of the file.", schema: { type: "string" } },
  "Retry-After": { description: "When a repeat may succeed. Seconds.", schema: { type: "integer", minimum: 1 } },
  "X-RateLimit-Limit": { description: "How many calls the caller, or the key, may make at once.", schema: count },
  "X-RateLimit-Remaining": { description: "How many of them are left.", schema: count },
  "X-RateLimit-Reset": { description: "When all of them are there again. Unix seconds.", schema: count },
}

const tagsOf = (methods: ReadonlyArray<DescMethod>, comments: Comments): Document["tags"] =>
  [...new Set<DescService>(methods.map(({ parent }) => parent))].map(({ name, typeName }) => {
    const description = comments.get(typeName)
    return { name, ...(description === undefined ? {} : { description }) }
  })

interface Route {
  readonly surface: Surface
  readonly binding: Binding
  readonly operation: Operation
}

const pathsOf = (routes: ReadonlyArray<Route>): Document["paths"] => {
  const paths: Record<string, PathItem> = {}
  for (const { surface, binding, operation } of routes) {
    const path = pathOf(binding)
    const item = paths[path] ?? (surface.servers === undefined ? {} : { servers: surface.servers })
    const verb = verbs.find((known) => known === binding.verb.toLowerCase())
    if (verb === undefined) throw new Error(`${binding.verb} ${path} has no place in OpenAPI`)
    if (item[verb] !== undefined || item.servers !== surface.servers)
      throw new Error(`${verb} ${path} is claimed twice`)
    paths[path] = { ...item, [verb]: operation }
  }
  return paths
}

const refuseTwins = (names: ReadonlyArray<string>): void => {
  const twin = names.find((name, index) => names.indexOf(name) !== index)
  if (twin !== undefined) throw new Error(`two operations are called ${twin}`)
}
