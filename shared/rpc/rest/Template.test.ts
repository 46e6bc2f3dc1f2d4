import { describe, expect, it } from "vitest"
import { bySpecificity, matchTemplate, parseTemplate } from "./Template.ts"

const match = (template: string, path: string) => matchTemplate(parseTemplate(template), path.split("/").slice(1))

describe("path templates", () => {
  it("match literals, variables and verbs", () => {
    expect(match("/v1/items", "/v1/items")).toEqual([])
    expect(match("/v1/items/{item_id}", "/v1/items/a%2Fb")).toEqual(["a/b"])
    expect(match("/v1/{name=shelves/*/books/*}", "/v1/shelves/1/books/2")).toEqual(["shelves/1/books/2"])
    expect(match("/v1/files/{path=**}", "/v1/files/a/b/c")).toEqual(["a/b/c"])
    expect(match("/v1/items/{id}", "/v1/items/a:b")).toEqual(["a:b"])
    expect(match("/v1/items/{id}:undelete", "/v1/items/a:b:undelete")).toEqual(["a:b"])
    expect(match("/v1/items/{id}:undelete", "/v1/items/7:undelete")).toEqual(["7"])
  })

  it.each([
    ["/v1/items", "/v1/items/"],
    ["/v1/items/{id}", "/v1/items/"],
    ["/v1/items/{id}", "/v1/items/1/2"],
    ["/v1/items/{id}:undelete", "/v1/items/1"],
    ["/v1/items/{id}:undelete", "/v1/items/1%3Aundelete"],
    ["/v1/items/{id}", "/v1/items/1/"],
    ["/v1/items", "/v1/%69tems"],
    ["/v1/items", "//v1/items"],
    ["/v1/items", "/v1/item"],
  ])("%s does not match %s", (template, path) => {
    expect(match(template, path)).toBeUndefined()
  })

  it("decode a segment, but keep the slash within one of several apart from those between them", () => {
    expect(match("/{id}", "/%41%20%C3%A9%2F%3f")).toEqual(["A é/?"])
    expect(match("/{name=shelves/*}", "/shelves/a%20b%2Fc")).toEqual(["shelves/a b%2Fc"])
    expect(match("/{path=**}", "/a%2fb/c%3A")).toEqual(["a%2fb/c:"])
  })

  it("keep a segment that is not percent-encoding as it is", () => {
    expect(match("/{id}", "/%zz")).toEqual(["%zz"])
  })

  it("are tried literals first", () => {
    const order = ["/users/{id}", "/{any=**}", "/users/me", "/users/{id}:lock"].map(parseTemplate).sort(bySpecificity)
    expect(order.map(({ text }) => text)).toEqual(["/users/me", "/users/{id}:lock", "/users/{id}", "/{any=**}"])
  })
})
