/** The resource that a call is about, as its contract names it. */
import type { DescMethod, Message } from "@bufbuild/protobuf"
import type { Policy } from "./Policy.ts"

/** Reads the id of the resource from a request; empty where the contract names none. */
export const scopeOf = (method: DescMethod, policy: Policy): ((request: Message) => string) => {
  const field = method.input.fields.find(({ name }) => name === policy.scope)
  if (field === undefined) return () => ""
  const { localName } = field
  return (request) => fieldText(request, localName)
}

const fieldText = (request: Message, localName: string): string => {
  const value: unknown = Reflect.get(request, localName)
  return typeof value === "string" ? value : ""
}
