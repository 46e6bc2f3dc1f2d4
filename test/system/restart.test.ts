/** A stack that stops leaves nothing running, and starts again where it was. */
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { expect, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as ProcessIdentity from "#shared/runtime/ProcessIdentity.ts"
import { bearer, call } from "./Http.ts"
import { start } from "./TestStack.ts"

/** Every process that the stack in the folder has recorded. */
const processesOf = (dir: string) =>
  Effect.map(
    Effect.forEach(
      readdirSync(dir, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".pid.json")),
      (name) => ProcessIdentity.recorded(join(dir, name)),
    ),
    Arr.getSomes,
  )

/** The ones of them that still run. */
const running = (processes: ReadonlyArray<ProcessIdentity.ProcessIdentity>) =>
  Effect.filter(processes, ProcessIdentity.isAlive)

it.live(
  "a second start finds the demo, its keys and its users; nothing is made twice and nothing is left behind",
  () =>
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const dir = yield* files.makeTempDirectoryScoped({ prefix: "authsome-restart-" })
      const person = { email: "grace@example.com", password: "a long enough password" }

      const first = yield* Effect.scoped(
        Effect.gen(function* () {
          const { state } = yield* start(dir)
          expect(statSync(state.secretsFile).mode & 0o777).toBe(0o600)
          expect(JSON.parse(readFileSync(`${dir}/stack.json`, "utf8"))).toMatchObject({ ready: true, pid: process.pid })
          const processes = yield* processesOf(dir)
          // Three servers, five services, an instance and its Redis.
          expect(processes.length).toBe(10)
          const { demo } = state
          const signUp = call("POST", `${demo.apiUrl}/auth/signup`, { headers: bearer(demo.publicKey), body: person })
          expect((yield* signUp).status).toBe(201)
          return { demo, processes }
        }),
      )
      expect(yield* running(first.processes)).toEqual([])
      expect(readdirSync(dir)).not.toContain("stack.json")

      const second = yield* Effect.scoped(
        Effect.gen(function* () {
          const { demo } = (yield* start(dir)).state
          const { apiUrl: _moved, ...same } = first.demo
          expect(demo).toMatchObject(same)
          const signIn = call("POST", `${demo.apiUrl}/auth/signin`, { headers: bearer(demo.publicKey), body: person })
          expect((yield* signIn).status).toBe(200)
          expect(readdirSync(`${dir}/instances`).filter((name) => /^[a-z2-7]{16}$/.test(name))).toHaveLength(1)
          return yield* processesOf(dir)
        }),
      )
      expect(yield* running(second)).toEqual([])
    }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer)),
  120_000,
)
