import { expect, it } from "vitest"
import { decimalsOf, moneyNumber, readMoney } from "./money.ts"

it("every currency has the decimals of ISO 4217", () => {
  expect(["USD", "EUR", "JPY", "KWD", "", "dollars"].map(decimalsOf)).toEqual([2, 2, 0, 3, 2, 2])
  expect(moneyNumber({ currency: "JPY", minorUnits: "4750" })).toBe(4750)
  expect(moneyNumber({ currency: "KWD", minorUnits: "4750" })).toBe(4.75)
  expect(moneyNumber({ currency: "USD", minorUnits: "-4750" })).toBe(-47.5)
})

it("what is answered is understood again, to the cent", () => {
  for (const minorUnits of ["0", "1", "29", "-57", "100", "110", "999999999999999", "-999999999999999"]) {
    const money = { currency: "USD", minorUnits }
    expect(BigInt(String(Object(readMoney(moneyNumber(money))).minorUnits))).toBe(BigInt(minorUnits))
  }
})
