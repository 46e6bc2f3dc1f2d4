/** The REST routes of a server, found by HTTP method and path. */
import { rpcName } from "../Policy.ts"
import type { UnaryRoute } from "../Route.ts"
import { type Binding, bindingsOf } from "./Binding.ts"
import { bySpecificity, matchTemplate } from "./Template.ts"

export interface RestRoute {
  readonly binding: Binding
  readonly rpc: UnaryRoute
}

export interface Match {
  readonly route: RestRoute
  /** The values of the path's variables, in their order. */
  readonly values: ReadonlyArray<string>
}

export interface Routes {
  /** The route at a path, without query. HEAD is answered by the route of GET (RFC 9110, section 9.3.2). */
  readonly find: (verb: string, path: string) => Match | undefined
  /** The HTTP methods that are offered at a path; none where no route has it. */
  readonly methodsAt: (path: string) => ReadonlyArray<string>
}

/** The routes of `rpcs`. Throws where two rpcs claim the same method and path, or a rule names a field that is not there. */
export const routesOf = (rpcs: ReadonlyArray<UnaryRoute>): Routes => {
  const byVerb = new Map<string, Array<RestRoute>>()
  for (const rpc of rpcs) {
    for (const binding of bindingsOf(rpc.method)) add(byVerb, { binding, rpc })
  }
  for (const routes of byVerb.values()) routes.sort((a, b) => bySpecificity(a.binding.template, b.binding.template))

  const find = (verb: string, segments: ReadonlyArray<string>): Match | undefined => {
    for (const route of byVerb.get(verb) ?? []) {
      const values = matchTemplate(route.binding.template, segments)
      if (values !== undefined) return { route, values }
    }
    return verb === "HEAD" ? find("GET", segments) : undefined
  }
  const segmentsOf = (path: string) => path.split("/").slice(1)

  return {
    find: (verb, path) => find(verb, segmentsOf(path)),
    methodsAt: (path) => {
      const segments = segmentsOf(path)
      const verbs = [...byVerb.keys()].filter((verb) => find(verb, segments) !== undefined)
      if (verbs.length === 0) return []
      return [...verbs, ...(verbs.includes("GET") && !verbs.includes("HEAD") ? ["HEAD"] : []), "OPTIONS"]
    },
  }
}

const add = (byVerb: Map<string, Array<RestRoute>>, route: RestRoute): void => {
  const { verb, template } = route.binding
  const list = byVerb.get(verb) ?? []
  byVerb.set(verb, list)
  const twin = list.find(({ binding }) => shapeOf(binding) === shapeOf(route.binding))
  if (twin !== undefined) {
    throw new Error(
      `${verb} ${template.text} is claimed by ${rpcName(twin.rpc.method)} and ${rpcName(route.rpc.method)}`,
    )
  }
  list.push(route)
}

/** What of a path decides whether it matches: the names of variables do not. */
const shapeOf = ({ template }: Binding): string => `${template.segments.join("/")}:${template.verb}`
