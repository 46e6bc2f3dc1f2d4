/** Answers that are files: google.api.HttpBody, sent as it is. */
import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { contentDisposition } from "#shared/rpc/rest/file.ts"
import * as Probe from "./Probe.ts"
import { bytes } from "./RestProbe.ts"
import { call } from "./restCall.ts"

layer(Probe.layer, { excludeTestServices: true })("a REST answer that is a file", (it) => {
  it.effect("comes byte by byte, under its type and name, and is not to be taken for anything else", () =>
    Effect.gen(function* () {
      const answer = yield* call("GET", "/probe/v1/items/itm_1/download")
      expect([answer.status, answer.bytes]).toEqual([200, Buffer.from(bytes)])
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        "content-type": "application/pdf",
        "content-length": String(bytes.length),
        "content-disposition": `attachment; filename="Rechnung _itm_1_.pdf"; filename*=UTF-8''Rechnung%20%E2%80%9Eitm_1%22.pdf`,
        "x-content-type-options": "nosniff",
        "x-request-id": expect.stringMatching(/^req_/),
      })
      const head = yield* call("HEAD", "/probe/v1/items/itm_1/download")
      expect([head.status, head.bytes.length, head.headers.get("content-length")]).toEqual([200, 0, "7"])
    }),
  )

  it.effect("may have no name, or no type", () =>
    Effect.gen(function* () {
      const nameless = yield* call("GET", "/probe/v1/items/itm_nameless/download")
      expect(nameless.headers.get("content-disposition")).toBe("attachment")
      const typeless = yield* call("GET", "/probe/v1/items/itm_typeless/download")
      expect(typeless.headers.get("content-type")).toBe("application/octet-stream")
    }),
  )

  it.effect.each(["itm_none", "itm_mistyped"])("is a defect where it is missing or its type is none (%s)", (id) =>
    Effect.gen(function* () {
      const { status, headers, json } = yield* call("GET", `/probe/v1/items/${id}/download`)
      expect([status, json.error.code, headers.get("content-disposition")]).toEqual([500, "internal_error", null])
    }),
  )

  it.effect.each([
    ["invoice-2025-11.pdf", 'attachment; filename="invoice-2025-11.pdf"'],
    ["a b;c.txt", 'attachment; filename="a b;c.txt"'],
    ["../../etc/passwd", 'attachment; filename=".._.._etc_passwd"'],
    ['"\\\r\nset-cookie: x', `attachment; filename="____set-cookie: x"; filename*=UTF-8''%22___set-cookie%3A%20x`],
    ["100%.csv", `attachment; filename="100_.csv"; filename*=UTF-8''100%25.csv`],
    ["été (1)'*.pdf", `attachment; filename="_t_ (1)'*.pdf"; filename*=UTF-8''%C3%A9t%C3%A9%20%281%29%27%2A.pdf`],
    ["half\ud83d", `attachment; filename="half_"; filename*=UTF-8''half%EF%BF%BD`],
    ["", "attachment"],
  ] as const)("is called %s in every header", ([name, header]) =>
    Effect.sync(() => {
      expect(contentDisposition(name)).toBe(header)
    }),
  )
})
