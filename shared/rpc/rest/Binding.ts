/** The HTTP rules of an rpc (google.api.http), read from its contract once: what both the routes and their description are. */
import { type DescField, type DescMessage, type DescMethod, getOption, hasOption } from "@bufbuild/protobuf"
import { http } from "#gen/google/api/annotations_pb.ts"
import type { HttpRule } from "#gen/google/api/http_pb.ts"
import { HttpBodySchema } from "#gen/google/api/httpbody_pb.ts"
import { rpcName } from "../Policy.ts"
import { parseTemplate, type Template } from "./Template.ts"

export interface Binding {
  readonly method: DescMethod
  /** The HTTP method in upper case. */
  readonly verb: string
  readonly template: Template
  /** "" for no body, "*" for the whole message, else the field that the body is. */
  readonly body: string
  /** What of the response the answer is. */
  readonly answer: AnswerPart
}

export type AnswerPart =
  /** The whole message as JSON. */
  | { readonly kind: "message" }
  /** One field of it as JSON. */
  | { readonly kind: "field"; readonly field: DescField }
  /** A file, in that field or, where undefined, in the whole message. */
  | { readonly kind: "file"; readonly field: DescField | undefined }

/** The routes of `method`, its main one first; none where it has no HTTP rule. Throws where a rule names what is not there. */
export const bindingsOf = (method: DescMethod): ReadonlyArray<Binding> => {
  if (!hasOption(method, http)) return []
  const rule = getOption(method, http)
  return [rule, ...rule.additionalBindings].map((each) => bindingOf(each, method))
}

const bindingOf = ({ pattern, body, responseBody }: HttpRule, method: DescMethod): Binding => {
  if (pattern.case === undefined) throw new Error(`${rpcName(method)} has an HTTP rule without a path`)
  const [verb, path] =
    pattern.case === "custom" ? [pattern.value.kind, pattern.value.path] : [pattern.case, pattern.value]
  const template = parseTemplate(path)
  for (const variable of template.variables) fieldAt(method.input, variable.path)
  if (body !== "" && body !== "*") fieldAt(method.input, [body])
  return { method, verb: verb.toUpperCase(), template, body, answer: answerPart(method.output, responseBody) }
}

const answerPart = (output: DescMessage, responseBody: string): AnswerPart => {
  if (responseBody === "") return isFile(output) ? { kind: "file", field: undefined } : { kind: "message" }
  const field = fieldAt(output, [responseBody])
  return { kind: field.fieldKind === "message" && isFile(field.message) ? "file" : "field", field }
}

const isFile = ({ typeName }: DescMessage): boolean => typeName === HttpBodySchema.typeName

/** The field of this name, in either spelling. */
export const findField = (desc: DescMessage, name: string): DescField | undefined =>
  desc.fields.find((field) => field.name === name || field.jsonName === name)

/** The field at a path of names, in either spelling. Throws where there is none: an HTTP rule names it. */
export const fieldAt = (desc: DescMessage, path: ReadonlyArray<string>): DescField => {
  const [name = "", ...rest] = path
  const field = findField(desc, name)
  if (field === undefined) throw new Error(`${desc.typeName} has no field "${name}", which an HTTP rule names`)
  if (rest.length === 0) return field
  if (field.message === undefined)
    throw new Error(`${desc.typeName}.${name} is no message, but an HTTP rule looks into it`)
  return fieldAt(field.message, rest)
}
