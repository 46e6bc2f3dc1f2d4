import { spawn, execFileSync } from "node:child_process"
import { layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { freePorts } from "#shared/servers/Ports.ts"
import { Backing } from "#shared/testing/Backing.ts"
import { TestDatabase } from "#shared/testing/TestDatabase.ts"
import { fromProxy, instanceEnvironment, novaEnvironment } from "./testing/TestIdentity.ts"
const wait = (ms: number) => new Promise((r) => setTimeout(r, ms))
layer(Layer.merge(TestDatabase.migrated("identity"), Backing.layer), { excludeTestServices: true, timeout: 60000 })("m", (it) => {
  it.effect("measure", () => Effect.gen(function* () {
    const { url } = yield* TestDatabase
    const { nats } = yield* Backing
    const key = yield* fromProxy()
    for (const [label, role, extra, flags] of [
      ["nova", novaEnvironment, { NATS_URL: nats }, []],
      ["nova", novaEnvironment, { NATS_URL: nats }, ["--max-semi-space-size=2"]],
      ["instance", instanceEnvironment, {}, ["--max-semi-space-size=1"]],
      ["instance", instanceEnvironment, {}, ["--max-semi-space-size=2"]],
      ["instance", instanceEnvironment, {}, ["--max-semi-space-size=4"]],
      ["instance", instanceEnvironment, {}, ["--max-semi-space-size=8"]],
      ["instance +cc", instanceEnvironment, { NODE_COMPILE_CACHE: "/work/main/.tmp/cc" }, ["--max-semi-space-size=2"]],
    ] as const) {
      const [h = 0, g = 0] = yield* freePorts(2)
      yield* Effect.promise(async () => {
        const t0 = performance.now()
        const child = spawn(process.execPath, [...flags, import.meta.dirname + "/main.ts"], { env: { ...role, DATABASE_URL: Redacted.value(url), HTTP_PORT: String(h), SERVER_PORT: String(g), ...extra }, stdio: "inherit" })
        for (let n = 0; n < 3000; n++) { try { if ((await fetch(`http://127.0.0.1:${h}/health`)).ok) break } catch {} await wait(5) }
        const t1 = performance.now()
        for (let n = 0; n < 3000; n++) { try { if ((await fetch(`http://127.0.0.1:${g}/ready`)).ok) break } catch {} await wait(5) }
        const t2 = performance.now()
        const rss = () => { const t = execFileSync("ps", ["-o", "rss=", "-p", String(child.pid)]); return (Number(t) / 1024).toFixed(0) }
        const r0 = rss()
        await wait(3000)
        const r1 = rss()
        for (let i = 0; i < 20; i++) {
          const r = await fetch(`http://127.0.0.1:${h}/auth/signup`, { method: "POST", headers: key, body: JSON.stringify({ email: `u${i}${t0}@example.com`, password: "correct horse" }) })
          const j: any = await r.json()
          for (let k = 0; k < 20; k++) await (await fetch(`http://127.0.0.1:${h}/session`, { headers: { ...key, "x-authsome-session": j.session?.token ?? "" } })).text()
        }
        await wait(2000)
        console.log(label, flags.join(" "), "health ms", (t1 - t0).toFixed(0), "ready ms", (t2 - t0).toFixed(0), "rss MB at ready", r0, "idle 3s", r1, "after 20 sign-ups, 400 sessions", rss(), execFileSync("grep", ["-E", "Pss:|Private_Dirty|Shared_Clean|Private_Clean", `/proc/${child.pid}/smaps_rollup`]).toString().replaceAll(/\s+/g, " "))
        child.kill("SIGTERM")
        await new Promise((r) => child.once("close", r))
      })
    }
  }), 60000)
})
