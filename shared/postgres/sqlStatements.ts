/**
 * The single statements of a text of SQL, since the extended protocol takes one at a time. Knows what may hold a
 * semicolon: quoted strings and names, E'' strings, dollar quotes, comments (which nest), and `BEGIN ATOMIC … END`
 * bodies are not among it, so functions are written with dollar quotes.
 */
export const sqlStatements = (text: string): ReadonlyArray<string> => {
  const statements: Array<string> = []
  let start = 0
  let at = 0
  while (at < text.length) {
    if (text[at] === ";") {
      statements.push(text.slice(start, at))
      start = at + 1
    }
    at = skip(text, at)
  }
  statements.push(text.slice(start))
  return statements.map((statement) => statement.trim()).filter(hasContent)
}

/** Where the next token begins, after the quoted text, comment or character at this place. */
const skip = (text: string, at: number): number => {
  const rest = text.slice(at, at + 2)
  if (rest === "--") return endOf(text, "\n", at)
  if (rest === "/*") return endOfComment(text, at)
  if (text[at] === "'")
    return endOfQuote(
      text,
      at,
      "'",
      /[eE]$/.test(text.slice(Math.max(0, at - 1), at)) && !/\w[eE]$/.test(text.slice(Math.max(0, at - 2), at)),
    )
  if (text[at] === '"') return endOfQuote(text, at, '"', false)
  if (text[at] === "$" && !/\w$/.test(text.slice(Math.max(0, at - 1), at))) {
    const tag = /^\$([A-Za-z_]\w*)?\$/.exec(text.slice(at, at + 66))?.[0]
    if (tag !== undefined) return endOf(text, tag, at + tag.length)
  }
  return at + 1
}

const endOf = (text: string, end: string, from: number): number => {
  const found = text.indexOf(end, from)
  return found === -1 ? text.length : found + end.length
}

const endOfComment = (text: string, from: number): number => {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const two = text.slice(at, at + 2)
    if (two === "/*") depth++
    if (two === "*/") depth--
    if (two === "/*" || two === "*/") at++
    if (depth === 0) return at + 1
  }
  return text.length
}

const endOfQuote = (text: string, from: number, quote: string, backslashes: boolean): number => {
  for (let at = from + 1; at < text.length; at++) {
    if (backslashes && text[at] === "\\") at++
    else if (text[at] === quote && text[at + 1] === quote) at++
    else if (text[at] === quote) return at + 1
  }
  return text.length
}

const hasContent = (statement: string): boolean =>
  statement
    .replaceAll(/--[^\n]*/g, "")
    .replaceAll(/\/\*[\s\S]*?\*\//g, "")
    .trim() !== ""
