/** The HTTP rules of an rpc (google.api.http), read from its contract. */
import { type DescMethod, getOption, hasOption } from "@bufbuild/protobuf"
import { http } from "#gen/google/api/annotations_pb.ts"
import type { HttpRule } from "#gen/google/api/http_pb.ts"
import { rpcName } from "../../Policy.ts"
import { parseTemplate, type Template } from "../Template.ts"

export interface Binding {
  readonly method: DescMethod
  /** The HTTP method in lower case. */
  readonly verb: Verb
  readonly template: Template
  /** "" for no body, "*" for the whole message, else the field that the body is. */
  readonly body: string
  /** The field of the response that the answer is; "" for the whole message. */
  readonly responseBody: string
}

const verbs = ["get", "put", "post", "delete", "patch", "head", "options", "trace"] as const
/** The HTTP methods that OpenAPI knows. */
export type Verb = (typeof verbs)[number]

/** The routes of `method`, its main one first; none where it has no HTTP rule. Throws where OpenAPI lacks the HTTP method. */
export const bindingsOf = (method: DescMethod): ReadonlyArray<Binding> => {
  if (!hasOption(method, http)) return []
  const rule = getOption(method, http)
  return [rule, ...rule.additionalBindings].map((each) => bindingOf(each, method))
}

const bindingOf = ({ pattern, body, responseBody }: HttpRule, method: DescMethod): Binding => {
  const [kind, path] =
    pattern.case === "custom" ? [pattern.value.kind.toLowerCase(), pattern.value.path] : [pattern.case, pattern.value]
  const verb = verbs.find((known) => known === kind)
  if (verb === undefined || path === undefined)
    throw new Error(`${rpcName(method)}: OpenAPI has no place for its route`)
  return { method, verb, template: parseTemplate(path), body, responseBody }
}
