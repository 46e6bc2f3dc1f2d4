/** Texts that match a regular expression: enough of its language for the patterns of the contract. */
import type { Random } from "./Random.ts"

type Make = () => string

const printable = Array.from({ length: 0x7f - 0x20 }, (_, index) => String.fromCharCode(0x20 + index))
/** What classes choose from: letters of one to four bytes too. */
const pool = [...printable, "é", "日", "🙂"]

/** A text that `pattern` matches as a whole. */
export const textOf = (pattern: string, { between, pick }: Random): string => {
  let at = 0
  const peek = (): string => pattern[at] ?? ""
  const take = (): string => pattern[at++] ?? ""

  const alternatives = (): Make => {
    const options = [sequence()]
    while (peek() === "|") {
      at += 1
      options.push(sequence())
    }
    return () => pick(options)()
  }

  const sequence = (): Make => {
    const parts: Array<Make> = []
    while (at < pattern.length && peek() !== "|" && peek() !== ")") parts.push(repeated(atom()))
    return () => parts.map((part) => part()).join("")
  }

  const atom = (): Make => {
    const first = take()
    if (first === "^" || first === "$") return () => ""
    if (first === "(") {
      if (pattern.startsWith("?:", at)) at += 2
      const inner = alternatives()
      at += 1
      return inner
    }
    if (first === "[") return oneOf(`[${untilBracket()}`)
    if (first === "\\") return oneOf(`\\${escaped()}`)
    return first === "." ? oneOf(".") : () => first
  }

  const escaped = (): string => (peek() === "x" ? [take(), take(), take()].join("") : take())

  const untilBracket = (): string => {
    const from = at
    while (peek() !== "]") at += peek() === "\\" ? 2 : 1
    at += 1
    return pattern.slice(from, at)
  }

  const oneOf = (source: string): Make => {
    const expression = new RegExp(`^${source}$`, "u")
    const allowed = pool.filter((character) => expression.test(character))
    return () => pick(allowed)
  }

  const repeated = (make: Make): Make => {
    const [whole, sign, least, comma, most] = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})/.exec(pattern.slice(at)) ?? [""]
    if (whole === "") return make
    at += whole.length
    const from = sign === undefined ? Number(least) : sign === "+" ? 1 : 0
    const open = sign === "*" || sign === "+" || (comma === "," && most === "")
    const to = open ? from + 8 : sign === "?" ? 1 : comma === "" ? from : Number(most)
    return () => Array.from({ length: between(from, Math.min(to, from + 12)) }, make).join("")
  }

  return alternatives()()
}
