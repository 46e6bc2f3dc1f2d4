import { expect, it } from "vitest"
import { readAnswerHead } from "./outbound.ts"

const user = `usr_${"a".repeat(26)}`

it("passes on the answer's own headers, each as often as it came", () => {
  const { headers } = readAnswerHead({
    "content-type": "application/json",
    "set-cookie": ["a=1", "b=2"],
    connection: "keep-alive",
    "keep-alive": "timeout=65",
    "transfer-encoding": "chunked",
  })
  expect(headers).toEqual(["content-type", "application/json", "set-cookie", "a=1", "set-cookie", "b=2"])
})

it("keeps what is for the proxy alone", () => {
  const head = readAnswerHead({
    "x-authsome-active-user": user,
    "x-authsome-route": "/users/{user_id}",
    "x-authsome-region": "elsewhere",
    "x-private": "1",
    "access-control-allow-origin": "*",
    connection: "close, x-private",
  })
  expect(head).toEqual({ headers: [], activeUser: user, route: "/users/{user_id}" })
})

it("believes nothing malformed", () => {
  const head = readAnswerHead({ "x-authsome-active-user": "ada@example.com", "x-authsome-route": "users" })
  expect(head).toEqual({ headers: [], activeUser: undefined, route: undefined })
})
