/**
 * Reads the JSON of a request's body, more strictly than JSON.parse: as UTF-8, and without a name that is given twice in one
 * object, which every program would understand in its own way (RFC 8259, sections 4 and 8.1).
 */
import type { JsonValue } from "@bufbuild/protobuf"
import type { Violation } from "../PublicError.ts"

export type Parsed = { readonly ok: true; readonly json: JsonValue } | { readonly ok: false; readonly why: Violation }

const utf8 = new TextDecoder("utf-8", { fatal: true })

/** The JSON of `bytes`, or what is wrong with them. */
export const parseJson = (bytes: Uint8Array): Parsed => {
  try {
    const text = utf8.decode(bytes)
    const json: JsonValue = JSON.parse(text)
    const twice = repeatedName(text)
    if (twice === undefined) return { ok: true, json }
    return { ok: false, why: { field: twice, description: "is given twice" } }
  } catch {
    return { ok: false, why: { field: "", description: "the body is not JSON" } }
  }
}

/** An object or array that is not closed yet. */
interface Open {
  /** The names so far; undefined for an array. */
  readonly names: Set<string> | undefined
  /** The name, or the index, of the value that is being read. */
  at: string
  index: number
}

/** The path of a name that one object of this well-formed JSON has twice; undefined where none has. */
const repeatedName = (text: string): string | undefined => {
  const outer: Array<Open> = []
  let inner: Open | undefined
  let isName = false
  const open = (names: Set<string> | undefined): void => {
    if (inner !== undefined) outer.push(inner)
    inner = { names, at: "", index: 0 }
    isName = names !== undefined
  }
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case '"': {
        const end = endOfString(text, at)
        if (isName && inner?.names !== undefined) {
          inner.at = nameIn(text.slice(at, end + 1))
          if (inner.names.has(inner.at)) return [...outer, inner].reduce(step, "")
          inner.names.add(inner.at)
          isName = false
        }
        at = end
        break
      }
      case "{":
        open(new Set())
        break
      case "[":
        open(undefined)
        break
      case "}":
      case "]":
        inner = outer.pop()
        isName = false
        break
      case ",":
        if (inner !== undefined) inner.index += 1
        isName = inner?.names !== undefined
        break
    }
  }
  return undefined
}

/** Where the string that starts there ends: at the next quotation mark that no backslash makes a part of it. */
const endOfString = (text: string, start: number): number => {
  let end = text.indexOf('"', start + 1)
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end
}

const isEscaped = (text: string, at: number): boolean => {
  let first = at
  while (text[first - 1] === "\\") first -= 1
  return (at - first) % 2 === 1
}

const nameIn = (literal: string): string =>
  literal.includes("\\") ? String(JSON.parse(literal)) : literal.slice(1, -1)

const step = (path: string, { names, at, index }: Open): string => {
  if (names === undefined) return `${path}[${index}]`
  return path === "" ? at : `${path}.${at}`
}
