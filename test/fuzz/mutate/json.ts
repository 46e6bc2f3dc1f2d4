/** Mutations of JSON, made on its text: what a parser that was polite would never write. */
import type { JsonValue } from "@bufbuild/protobuf"
import type { Random } from "../Random.ts"
import { mutateBytes, oddText } from "./bytes.ts"

/** The JSON text with one thing wrong with it, or odd about it. */
export const mutateJson = (random: Random, json: JsonValue): Buffer => {
  const text = JSON.stringify(json)
  return random.oneIn(5) ? mutateBytes(random, Buffer.from(text)) : Buffer.from(mutateText(random, text))
}

const mutateText = (random: Random, text: string): string => {
  const inside = text.slice(1, -1)
  const comma = inside === "" ? "" : ","
  const odd = JSON.stringify(oddText(random))
  switch (random.int(9)) {
    case 0:
      return `{${inside}${comma}${odd}:${value(random)}}`
    case 1:
      return `{${inside}${comma}${inside}}`
    case 2: {
      const depth = random.pick([30, 49, 50, 99, 101, 1000, 3000, 4400])
      return `{"item":${'{"displayName":"x","parts":{"a":'.slice(0, 32).repeat(Math.min(depth, 1900))}{}${"}}".repeat(Math.min(depth, 1900))}}`
    }
    case 3: {
      const depth = random.pick([100, 1000, 4000])
      return `{"item":${'{"parts":{"":'.repeat(depth)}{}${"}}".repeat(depth)}}`
    }
    case 4:
      return "[".repeat(random.pick([1, 100, 30_000]))
    case 5:
      return replaceValue(random, text, value(random))
    case 6:
      return `{"item":{"displayName":"x","parts":{${odd}:{"displayName":${odd}}}}}`
    case 7:
      return value(random)
    default:
      return replaceValue(random, text, odd)
  }
}

const replaceValue = (random: Random, text: string, by: string): string => {
  const places = [...text.matchAll(/:("[^"]*"|\d+(?:\.\d+)?|true|false|null)/g)]
  const place = places[random.int(Math.max(1, places.length))]
  if (place === undefined) return by
  return `${text.slice(0, place.index)}:${by}${text.slice(place.index + place[0].length)}`
}

/** A value of any sort, as text. */
const value = (random: Random): string =>
  random.pick([
    "null",
    "true",
    "0",
    "-0",
    "-1",
    "1.5",
    "1e999",
    "-1e999",
    "1E400",
    "9007199254740993",
    "123456789012345678901234567890",
    "0x10",
    "01",
    ".5",
    "NaN",
    "Infinity",
    '""',
    '" 1"',
    '"1e3"',
    '"NaN"',
    '"-9223372036854775809"',
    '"0001-01-01T00:00:00Z"',
    '"9999-12-31T23:59:60Z"',
    '"2026-02-30T25:61:61+99:99"',
    '"\\ud800"',
    '"\\u0000"',
    '"\u0001"',
    "[]",
    "{}",
    "[null]",
    '{"__proto__":{"polluted":true}}',
    '{"constructor":{"prototype":{"polluted":true}}}',
    '{"toString":1,"valueOf":2}',
    "[[[[[[]]]]]]",
    "1e-400",
    "1e308",
  ])
