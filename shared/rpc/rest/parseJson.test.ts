import { describe, expect, it } from "vitest"
import { parseJson } from "./parseJson.ts"

const parsed = (text: string) => parseJson(Buffer.from(text))

describe("the JSON of a body", () => {
  it.each([
    "{}",
    "[]",
    "null",
    '"a"',
    '{"a":{"a":1},"b":[{"a":1},{"a":2}],"c":"a"}',
    '{"a\\"":1,"a":2,"\\\\":3,"":4}',
    '["a","a",{"b":"a","a":"b,\\"b\\":"}]',
    ' {"a" : "{\\"a\\":1}" , "b" : [ ] , "__proto__" : 1 } ',
  ])("is read as it is where every name is given once: %s", (text) => {
    expect(parsed(text)).toEqual({ ok: true, json: JSON.parse(text) })
  })

  it.each([
    ['{"a":1,"a":1}', "a"],
    ['{"a":{"b":1,"b":2}}', "a.b"],
    ['[1,[{"x":0},{"x":0,"y":[],"x":1}]]', "[1][1].x"],
    ['{"a":"\\\\","a":1}', "a"],
    ['{"a":1,"\\u0061":1}', "a"],
    ['{"":1,"":1}', ""],
    ['{"__proto__":1,"__proto__":2}', "__proto__"],
  ])("is refused where an object has a name twice: %s", (text, field) => {
    expect(parsed(text)).toEqual({ ok: false, why: { field, description: "is given twice" } })
  })

  it.each(["", "{", "{'a':1}", '{"a":1,}', "NaN", "\ufeff{}x"])("is refused where it is none: %s", (text) => {
    expect(parsed(text)).toMatchObject({ ok: false, why: { description: "the body is not JSON" } })
  })
})
