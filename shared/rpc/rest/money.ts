/** Money in REST JSON: a decimal number of the currency's major unit. */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf"

/** What a request is understood in: it gives a number alone, and every price is in this currency. */
export const requestCurrency = "USD"

/** More digits than these, with two decimals, not every JSON number keeps (IEEE 754: 15 are safe). */
export const maxIntegerDigits = 13

const decimals = new Map<string, number>()

/** How many decimals a currency has (ISO 4217); two where the code is none. */
export const decimalsOf = (currency: string): number => {
  const known = decimals.get(currency)
  if (known !== undefined) return known
  if (!/^[A-Z]{3}$/.test(currency)) return 2
  const format = new Intl.NumberFormat("en", { style: "currency", currency })
  const found = format.resolvedOptions().maximumFractionDigits ?? 2
  decimals.set(currency, found)
  return found
}

/** The number that stands for a Money in an answer. */
export const moneyNumber = (money: JsonObject): number =>
  Number(money["minorUnits"] ?? 0) / 10 ** decimalsOf(String(money["currency"] ?? ""))

/** The Money, as ProtoJSON, that a number or decimal text of a request stands for; else what is wrong with it. */
export const readMoney = (json: JsonValue): JsonObject | string => {
  const text = typeof json === "number" ? plain(json) : json
  const [, sign = "", whole = "", fraction = ""] =
    (typeof text === "string" && /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?$/.exec(text)) || []
  if (whole === "") return "must be a decimal number, such as 47.5"
  if (whole.length > maxIntegerDigits) return `must be less than ${10 ** maxIntegerDigits}`
  const places = decimalsOf(requestCurrency)
  if (fraction.length > places) return `must have at most ${places} decimals`
  return { currency: requestCurrency, minorUnits: `${sign}${whole}${fraction.padEnd(places, "0")}` }
}

/** A number without exponent: beyond the bounds one way or the other, an exponent's digits do not matter. */
const plain = (number: number): string => {
  const text = String(number)
  if (!text.includes("e")) return text
  return Math.abs(number) < 1 ? number.toFixed(20) : BigInt(Math.trunc(number)).toString()
}
