import { expect, it } from "vitest"
import { isCustomerPath, parseTarget } from "./target.ts"

it.each([
  ["/v1/app_x/auth/signup", "app_x", "/auth/signup"],
  ["/v1/app_x", "app_x", "/"],
  ["/v1/app_x/", "app_x", "/"],
  ["/v1/app_x?a=/b", "app_x", "/?a=/b"],
  ["/v1/app_x/users?limit=1&after=%2F..%2f", "app_x", "/users?limit=1&after=%2F..%2f"],
  ["/v1/app_x/users/usr_1:verify;v=1,(2)", "app_x", "/users/usr_1:verify;v=1,(2)"],
  ["/v1/app_x/users/a%20b%C3%BC", "app_x", "/users/a%20b%C3%BC"],
  ["/v1/app_x/files/.well-known/...", "app_x", "/files/.well-known/..."],
  ["/v1/", "", "/"],
  ["/v1/?x", "", "/?x"],
])("%s is %s and %s", (url, applicationId, path) => {
  expect(parseTarget(url)).toEqual({ applicationId, path })
})

it.each([
  "/v1/app_x/..",
  "/v1/app_x/../app_y/users",
  "/v1/app_x/./users",
  "/v1/app_x/%2e%2e/users",
  "/v1/app_x/.%2E/users",
  "/v1/app_x/a%2fb",
  "/v1/app_x/a%2Fb",
  "/v1/app_x/a%5cb",
  "/v1/app_x/a\\b",
  "/v1/app_x//users",
  "/v1/app_x/users//",
  "/v1/app_x/a%00b",
  "/v1/app_x/a%0d%0aX: y",
  "/v1/app_x/a%zz",
  "/v1/app_x/a%c3%28",
  "/v1/app_x/a#b",
  "/v1/app_x/a?b#c",
  "/v1/app_x/a b",
  "/v1/app_x/ü",
])("%s leads nowhere", (url) => {
  expect(parseTarget(url).path).toBeUndefined()
})

it("other paths are not a customer's", () => {
  expect(["/v1/x", "/v1", "/health", "http://v1/v1/x", "/v2/x"].map(isCustomerPath)).toEqual([
    true,
    false,
    false,
    false,
    false,
  ])
})
