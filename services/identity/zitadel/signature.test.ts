import * as Redacted from "effect/Redacted"
import { describe, expect, it } from "vitest"
import { verdictOn } from "./signature.ts"

const text = '{"function":"function/preaccesstoken"}'
const body = Buffer.from(text)
// printf '1767323045.%s' "$text" | openssl dgst -sha256 -hmac 98KmsU67
const time = 1767323045
const hex = "d8fd4c86c6af0edfff7a0e5071351318a144332620f7603cfcbcea06c836fb49"
const keys = ["98KmsU67"].map((key) => Redacted.make(key))

const verdict = (header: string, now = time, of = keys, over: Uint8Array = body) =>
  verdictOn({ header, body: over }, of, now)

describe("a signature of Zitadel", () => {
  it("is right where one of the keys made it", () => {
    expect(verdict(`t=${time},v1=${hex}`)).toBe("right")
    expect(verdict(`v1=${hex}, t=${time}`)).toBe("right")
    expect(verdict(`t=${time},v1=${"0".repeat(64)},v1=${hex},v0=x`)).toBe("right")
    const rotated = ["the-next", "98KmsU67"].map((key) => Redacted.make(key))
    expect(verdict(`t=${time},v1=${hex}`, time, rotated)).toBe("right")
  })

  it("is of these bytes and this time", () => {
    expect(verdict(`t=${time},v1=${hex}`, time, keys, Buffer.from(`${text} `))).toBe("wrong")
    expect(verdict(`t=${time + 1},v1=${hex}`)).toBe("wrong")
    expect(verdict(`t=${time},v1=${hex}`, time, [Redacted.make("another")])).toBe("wrong")
    expect(verdict(`t=${time},v1=${hex}`, time, [])).toBe("wrong")
  })

  it.each([
    "",
    "v1=",
    `v1=${hex}`,
    `t=${time}`,
    `t=${time},v1=`,
    `t=${time},v0=${hex}`,
    `t=${time},t=${time},v1=${hex}`,
    `t=0${time},v1=${hex}`,
    `t=${time}.0,v1=${hex}`,
    `t=-1,v1=${hex}`,
    `t=,v1=${hex}`,
    `t=${time};v1=${hex}`,
    `t=${time},v1=${hex.slice(1)}`,
    `t=${time},v1=${hex}0`,
  ])("is not: %s", (header) => {
    expect(verdict(header)).toBe("wrong")
  })

  it.each([
    [0, "right"],
    [300, "right"],
    [301, "stale"],
    [-300, "right"],
    [-301, "stale"],
  ] as const)("is of the last 300 seconds, by clocks that differ as much: %d", (age, expected) => {
    expect(verdict(`t=${time},v1=${hex}`, time + age)).toBe(expected)
  })

  it("is not said to be stale to who cannot sign", () => {
    expect(verdict(`t=${time - 9999},v1=${hex}`)).toBe("wrong")
  })
})
