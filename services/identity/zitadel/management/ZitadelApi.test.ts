/** What becomes of calls that Zitadel does not answer as it should. */
import { createServer } from "node:http"
import { assert, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { Anything, zitadelApi } from "./ZitadelApi.ts"

const call = (url: string, token = "the-token") =>
  zitadelApi({ url: new URL(url), credentials: { _tag: "Token", token: Redacted.make(token) } }).call(
    { method: "GET", path: "/management/v1/orgs/me?q=1" },
    Anything,
  )

/** A server that answers everything with this status; with none, never. */
const answering = (status: number | undefined, body = "{}") =>
  Effect.gen(function* () {
    const asked = yield* Deferred.make<void>()
    const server = createServer((_, response) => {
      Deferred.doneUnsafe(asked, Effect.void)
      if (status !== undefined) response.writeHead(status).end(body)
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () => Effect.sync(() => server.close().closeAllConnections()),
    )
    const address = server.address()
    return { asked, url: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}` }
  })

it.effect.each([
  [401, "unauthenticated"],
  [403, "forbidden"],
  [404, "notFound"],
  [409, "alreadyExists"],
  [400, "refused"],
  [429, "unavailable"],
  [500, "unavailable"],
  [501, "refused"],
  [503, "unavailable"],
] as const)("a call that is answered with %d is %s", ([status, kind]) =>
  Effect.gen(function* () {
    for (const body of ["{}", "<html>", '{"details":7}']) {
      const { url } = yield* answering(status, body)
      const error = yield* Effect.flip(call(url))
      assert.deepStrictEqual([error.kind, error.request], [kind, "GET /management/v1/orgs/me"])
    }
  }).pipe(Effect.scoped),
)

it.effect("a call that is not answered in ten seconds finds Zitadel away", () =>
  Effect.gen(function* () {
    const { asked, url } = yield* answering(undefined)
    const fiber = yield* Effect.forkChild(Effect.flip(call(url)))
    yield* Deferred.await(asked)
    yield* TestClock.adjust("10 seconds")
    assert.strictEqual((yield* Fiber.join(fiber)).kind, "unavailable")
  }).pipe(Effect.scoped),
)

it.effect("a token that is no header is told as one, and is trimmed of what a file ends with", () =>
  Effect.gen(function* () {
    const { url } = yield* answering(200)
    for (const token of ["", "two words", "a\r\nx-other: b", "schlüssel"]) {
      const error = yield* Effect.flip(call(url, token))
      assert.strictEqual(error.kind, "unauthenticated")
      if (token !== "") assert.notInclude(error.message, token)
    }
    yield* call(url, "the-token\n")
  }).pipe(Effect.scoped),
)
