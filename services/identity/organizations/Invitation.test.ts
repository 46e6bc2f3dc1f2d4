import { describe, expect, it } from "vitest"
import { nameInMail } from "./Invitation.ts"

describe("the name of an organization", () => {
  it.each([
    ["Acme", "Acme"],
    ["Müller & Söhne, Inc.", "Müller & Söhne, Inc."],
    ["  Acme\r\nBcc:\tmore  ", "Acme Bcc: more"],
    ["two\u2028lines\u200bhidden", "two lines hidden"],
  ])("%j stands in a mail as %j", (name, shown) => {
    expect(nameInMail(name)).toBe(shown)
  })

  it.each([
    "https://evil.example",
    "evil.example",
    "Your account is locked: evil.example/now",
    "evil\uff0eexample",
    "evil。example",
    "mail me@evil",
    "\\\\evil",
    " \n ",
  ])("%j stands in no mail", (name) => {
    expect(nameInMail(name)).toBeUndefined()
  })
})
