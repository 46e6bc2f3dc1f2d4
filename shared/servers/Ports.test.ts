import { createServer } from "node:net"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { freePorts, isFree } from "./Ports.ts"

const listening = (port: number, host: string) =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = createServer()
      server.listen(port, host, () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void))),
  )

it.live("a port is taken whether its owner listens on loopback or on all addresses", () =>
  Effect.gen(function* () {
    const [first = 0, second = 0] = yield* freePorts(2)
    assert.isTrue(yield* isFree(first))
    yield* listening(first, "127.0.0.1")
    yield* listening(second, "0.0.0.0")
    assert.isFalse(yield* isFree(first))
    assert.isFalse(yield* isFree(second))
  }),
)

it.live("no port is offered twice, nor one that is taken", () =>
  Effect.gen(function* () {
    const [one = 0] = yield* freePorts(1)
    yield* listening(one + 1, "127.0.0.1")
    const more = yield* freePorts(20)
    assert.strictEqual(new Set(more).size, 20)
    assert.notInclude(more, one)
    assert.notInclude(more, one + 1)
  }),
)
