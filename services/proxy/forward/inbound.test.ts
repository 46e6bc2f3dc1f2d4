import { expect, it } from "vitest"
import { readHead } from "./inbound.ts"

const read = (...raw: ReadonlyArray<string>) => readHead(raw)

it("passes on what is the instance's and nothing that is between two hops", () => {
  const { headers } = read(
    ...["Host", "api.example", "Accept", "*/*", "Cookie", "a=1", "Cookie", "b=2", "X-AuthSome-Session", "token"],
    ...["Keep-Alive", "timeout=5", "TE", "trailers", "Trailer", "x", "Proxy-Authorization", "Basic eA=="],
    ...["Transfer-Encoding", "chunked", "Expect", "100-continue", "Upgrade", "h2c", "HTTP2-Settings", "AAMA"],
  )
  expect(headers).toEqual(["accept", "*/*", "cookie", "a=1", "cookie", "b=2", "x-authsome-session", "token"])
})

it("drops what a Connection header names", () => {
  const { headers } = read("X-Secret", "1", "Accept", "*/*", "Connection", "close, X-Secret", "Connection", "upgrade")
  expect(headers).toEqual(["accept", "*/*"])
})

it("never passes on keys, or what only programs behind the proxy may say", () => {
  const { headers } = read(
    ...["Authorization", "Bearer sk", "X-API-Key", "sk", "X-Internal-API-Key", "k", "X-Mesh-Peer", "proxy"],
    ...["X-AuthSome-Identity", "forged", "x-authsome-active-user", "usr_x", "X-Authsome-Anything", "x"],
    ...["X-Forwarded-For", "1.2.3.4", "X-Forwarded-Host", "evil", "Forwarded", "for=1.2.3.4", "X-Real-IP", "1.2.3.4"],
    ...["X-Request-Id", "req_1", "Traceparent", "00-", "Tracestate", "a=b"],
  )
  expect(headers).toEqual([])
})

it("finds the key where it may stand", () => {
  expect(read("Authorization", "Bearer abc").key).toBe("abc")
  expect(read("authorization", "bearer  abc ").key).toBe("abc")
  expect(read("X-API-Key", "abc").key).toBe("abc")
  expect(read("X-API-Key", "other", "Authorization", "Bearer abc").key).toBe("abc")
  expect(read("Authorization", "Basic abc").key).toBeUndefined()
  expect(read("Authorization", "Bearer").key).toBeUndefined()
  expect(read("Authorization", "Bearer a b").key).toBeUndefined()
  expect(read("Accept", "*/*").key).toBeUndefined()
})

it("reads what the proxy itself goes by", () => {
  const head = read(
    ...["Content-Length", "12", "Origin", "https://shop.example", "X-Request-Id", "req_1", "X-Forwarded-For", "a"],
    ...["X-Forwarded-For", "b, c", "Upgrade", "websocket"],
  )
  expect(head).toMatchObject({
    contentLength: 12,
    chunked: false,
    origin: "https://shop.example",
    requestId: "req_1",
    forwardedFor: "a,b, c",
    upgrade: "websocket",
  })
  expect(read("Transfer-Encoding", "chunked")).toMatchObject({ chunked: true, contentLength: undefined })
})
