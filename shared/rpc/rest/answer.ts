/** What a successful call is answered with: JSON, a file, or nothing. */
import { isMessage, type JsonValue, type Message } from "@bufbuild/protobuf"
import { HttpBodySchema } from "#gen/google/api/httpbody_pb.ts"
import { type Policy, rpcName } from "../Policy.ts"
import type { Binding } from "./Binding.ts"
import { fileHeaders } from "./file.ts"
import { isObject, toRestJson } from "./json.ts"

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Undefined where the status says that there is none. */
  readonly body: Uint8Array | undefined
}

/** Throws where the message is not what its route answers with: a defect of the handler. */
export const answerOf = ({ method, answer }: Binding, { successStatus }: Policy, message: Message): Answer => {
  if (successStatus === 204) return { status: 204, headers: {}, body: undefined }
  switch (answer.kind) {
    case "message":
      return jsonAnswer(successStatus, toRestJson(method.output, message))
    case "field": {
      const json = toRestJson(method.output, message)
      const part = isObject(json) ? json[answer.field.jsonName] : undefined
      // An empty object would look like the resource without its fields.
      if (part === undefined) throw new Error(`${rpcName(method)} answered without ${answer.field.name}`)
      return jsonAnswer(successStatus, part)
    }
    case "file": {
      const file: unknown = answer.field === undefined ? message : Reflect.get(message, answer.field.localName)
      if (!isMessage(file, HttpBodySchema)) throw new Error(`${rpcName(method)} answered without its file`)
      const name: unknown = Reflect.get(message, "fileName")
      const headers = fileHeaders(file.contentType, typeof name === "string" ? name : "")
      return { status: successStatus, headers, body: file.data }
    }
  }
}

/** An answer of JSON. */
export const jsonAnswer = (status: number, json: JsonValue): Answer => ({
  status,
  headers: { "content-type": "application/json" },
  body: Buffer.from(JSON.stringify(json)),
})
