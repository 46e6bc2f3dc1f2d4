import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { forget, identify, isAlive, ProcessIdentity, record, recorded, signal, stop } from "./ProcessIdentity.ts"

const sleeper = (script = "setInterval(() => {}, 1000); process.send('up')") =>
  Effect.acquireRelease(
    Effect.callback<ChildProcess>((resume) => {
      const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "ignore", "ignore", "ipc"] })
      child.once("message", () => resume(Effect.succeed(child)))
    }),
    (child) => Effect.sync(() => child.kill("SIGKILL")),
  )

const identityOf = (pid: number | undefined) => Effect.flatMap(identify(pid ?? 0), Effect.fromOption)

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "authsome-identity-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true })),
)

it.live("a process is known by its number and its start", () =>
  Effect.gen(function* () {
    const child = yield* sleeper()
    const identity = yield* identityOf(child.pid)
    assert.isTrue(yield* isAlive(identity))
    yield* stop(identity)
    assert.isFalse(yield* isAlive(identity))
    assert.isTrue(Option.isNone(yield* identify(identity.pid)))
  }),
)

it.live("a stranger that took the number is never signalled", () =>
  Effect.gen(function* () {
    const child = yield* sleeper()
    const living = yield* identityOf(child.pid)
    const earlier = new ProcessIdentity({ pid: living.pid, startTime: "1" })
    assert.isFalse(yield* signal(earlier, "SIGKILL"))
    yield* stop(earlier)
    assert.isTrue(yield* isAlive(living))
  }),
)

it.live("a process that will not stop is killed when its time is over", () =>
  Effect.gen(function* () {
    const child = yield* sleeper("process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); process.send('up')")
    const identity = yield* identityOf(child.pid)
    yield* stop(identity, { within: "50 millis" })
    assert.isFalse(yield* isAlive(identity))
  }),
)

it.live("an identity is read back as it was recorded, and nonsense is nobody", () =>
  Effect.gen(function* () {
    const file = join(yield* folder, "a", "server.pid.json")
    const identity = yield* identityOf(process.pid)
    yield* record(file, identity)
    assert.deepStrictEqual(yield* recorded(file), Option.some(identity))
    yield* forget(file)
    assert.isTrue(Option.isNone(yield* recorded(file)))
    for (const nonsense of ["", "{", '{"pid":0,"startTime":"1"}', '{"pid":77}', "77"]) {
      writeFileSync(file, nonsense)
      assert.isTrue(Option.isNone(yield* recorded(file)), nonsense)
    }
  }),
)
