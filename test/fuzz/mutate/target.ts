/** Mutations of paths and queries. */
import type { Random } from "../Random.ts"
import { oddText } from "./bytes.ts"

/** The target with one thing wrong with it; never with a blank or a line end, which would end it. */
export const mutateTarget = (random: Random, target: string): string => {
  const mark = target.indexOf("?")
  const path = mark === -1 ? target : target.slice(0, mark)
  const query = mark === -1 ? "" : target.slice(mark + 1)
  const made = random.oneIn(2) ? withPath(random, path, query) : `${path}?${mutateQuery(random, query)}`
  return made.replaceAll(/[^!-~]/gu, "~")
}

const withPath = (random: Random, path: string, query: string): string => {
  const segments = path.split("/")
  const at = 1 + random.int(Math.max(1, segments.length - 1))
  const piece = random.pick([
    "..",
    ".",
    "",
    "%00",
    "%2e%2e",
    "%2f",
    "%c0%af",
    "%ed%a0%80",
    "%",
    "%zz",
    "%25",
    ":",
    ":misbehave",
    "a:b:c",
    "*",
    "**",
    "{item_id}",
    "\\",
    "a".repeat(random.pick([50, 5000, 20_000])),
    encoded(oddText(random)),
    "/",
    "//",
  ])
  const rest = query === "" ? "" : `?${query}`
  switch (random.int(6)) {
    case 0:
      return `${[...segments.slice(0, at), piece, ...segments.slice(at)].join("/")}${rest}`
    case 1:
      return `${path}${piece}${rest}`
    case 2:
      return random.pick([
        "*",
        "//",
        "/",
        "http://[",
        "http://a/",
        `http://a${path}`,
        "//[",
        "/?",
        "?",
        "#",
        `${path}#a`,
      ])
    case 3:
      return `${path.toUpperCase()}${rest}`
    default:
      return `${segments.map((segment, index) => (index === at ? piece : segment)).join("/")}${rest}`
  }
}

const mutateQuery = (random: Random, query: string): string => {
  const name = random.pick([
    "page",
    "filter",
    "filter.kind",
    "filter.labels",
    "filter.large",
    "filter.kind.kind",
    "filter..kind",
    "filter.labels.0",
    "item",
    "item.parts",
    "item.parts.a.display_name",
    "item.created_at.seconds",
    "item.createdAt",
    "itemId",
    "__proto__",
    "filter.__proto__.x",
    "constructor.prototype.x",
    "connect",
    "message",
    "encoding",
    "base64",
    "compression",
    ".",
    "",
    encoded(oddText(random)),
  ])
  const values = [
    "",
    "1",
    "-1",
    "1e999",
    "true",
    "round",
    "ITEM_KIND_ROUND",
    "%",
    "%ff",
    "{}",
    "[]",
    "json",
    "proto",
    "v1",
    "gzip",
  ] as const
  const value = random.oneIn(3) ? encoded(oddText(random)) : random.pick(values)
  const more = `${name}=${value}`
  switch (random.int(5)) {
    case 0:
      return more
    case 1:
      return Array.from({ length: random.pick([2, 20, 500]) }, () => more).join("&")
    case 2:
      return `${query}&${name}`
    case 3:
      return "&=".repeat(random.pick([1, 10, 2000]))
    default:
      return `${query}&${more}`
  }
}

/** Percent-encoded as UTF-8 where it is Unicode, byte by byte. */
const encoded = (text: string): string =>
  [...Buffer.from(text)]
    .map((byte) => `%${byte.toString(16).padStart(2, "0")}`)
    .join("")
    .slice(0, 12_000)
