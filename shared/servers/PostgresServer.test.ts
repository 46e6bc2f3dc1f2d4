import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import { identify, isAlive } from "../runtime/ProcessIdentity.ts"
import * as DatabaseStore from "./DatabaseStore.ts"
import { freePort } from "./Ports.ts"
import * as PostgresServer from "./PostgresServer.ts"
import { toolsFolder } from "./tools.ts"

const password = Redacted.make("a-password-of-the-test")

layer(NodeFileSystem.layer, { excludeTestServices: true })("PostgreSQL of our own", (it) => {
  /** Below a folder that only we may enter, as a checkout in root's home is. */
  const fresh = Effect.fnUntraced(function* (kind: "durable" | "ephemeral") {
    const files = yield* FileSystem.FileSystem
    const dir = yield* files.makeTempDirectoryScoped()
    const port = yield* freePort
    const paths = { dir, tools: toolsFolder, log: join(dir, "log"), record: join(dir, "pid") }
    return { ...paths, port, password, durable: kind === "durable" }
  })
  const on = <A, E>(url: Redacted.Redacted<string>, effect: Effect.Effect<A, E, SqlClient.SqlClient>) =>
    Effect.provide(effect, Layer.fresh(DatabaseStore.connection(url)))
  const count = Effect.flatMap(SqlClient.SqlClient, (sql) => sql<{ n: number }>`SELECT count(*)::int AS n FROM kept`)
  const running = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`SELECT 1`)

  it.effect("keeps what it answered, and starts again, after it was killed", () =>
    Effect.gen(function* () {
      const options = yield* fresh("durable")
      const server = yield* PostgresServer.start(options)
      yield* on(
        server.url,
        Effect.flatMap(SqlClient.SqlClient, (sql) =>
          Effect.andThen(sql`CREATE TABLE kept (id int)`, sql`INSERT INTO kept VALUES (1), (2)`),
        ),
      )
      yield* server.process.signal("SIGKILL")
      yield* server.process.ended
      const again = yield* PostgresServer.start(options)
      assert.deepStrictEqual(yield* on(again.url, count), [{ n: 2 }])
    }),
  )

  it.effect("is not kept out by a stranger that has the number of a killed server", () =>
    Effect.gen(function* () {
      const options = yield* fresh("ephemeral")
      const first = yield* Scope.make()
      yield* Scope.provide(PostgresServer.start(options), first)
      const lock = join(options.dir, "data", "postmaster.pid")
      const left = readFileSync(lock, "utf8")
      yield* Scope.close(first, Exit.void)
      writeFileSync(lock, left.replace(/^\d+/, String(process.pid)))
      const server = yield* PostgresServer.start(options)
      yield* on(server.url, running)
    }),
  )

  it.effect("takes the place of a server that somebody left running in the folder", () =>
    Effect.gen(function* () {
      const options = yield* fresh("ephemeral")
      const left = yield* PostgresServer.start(options)
      const identity = yield* Effect.flatMap(identify(left.process.pid), Effect.fromOption)
      const server = yield* PostgresServer.start({ ...options, record: `${options.record}.2` })
      assert.isFalse(yield* isAlive(identity))
      yield* on(server.url, running)
    }),
  )

  it.effect("lets nobody in without the password, from this machine neither", () =>
    Effect.gen(function* () {
      const server = yield* PostgresServer.start(yield* fresh("ephemeral"))
      for (const wrong of ["postgres:", "postgres:wrong", "nobody:wrong"]) {
        const url = Redacted.make(Redacted.value(server.url).replace(/\/\/.*@/, `//${wrong}@`))
        assert.isTrue(Exit.isFailure(yield* Effect.exit(on(url, running))), wrong)
      }
    }),
  )

  it.effect("gives each role its own database and no other", () =>
    Effect.gen(function* () {
      const server = yield* PostgresServer.start(yield* fresh("ephemeral"))
      const secrets = { one: Redacted.make("secret-one"), two: Redacted.make("secret-two") }
      const admin = DatabaseStore.connection(server.url)
      yield* Effect.provide(DatabaseStore.ensureOwned("one", secrets.one), admin)
      yield* Effect.provide(DatabaseStore.ensureOwned("two", secrets.two), admin)
      // A second time changes nothing.
      yield* Effect.provide(DatabaseStore.ensureOwned("one", secrets.one), admin)
      const role = { name: "one", password: secrets.one }
      yield* on(
        DatabaseStore.withDatabase(server.url, "one", role),
        Effect.flatMap(SqlClient.SqlClient, (sql) => sql`CREATE TABLE mine (id int)`),
      )
      const elsewhere = yield* Effect.exit(on(DatabaseStore.withDatabase(server.url, "two", role), running))
      assert.isTrue(Exit.isFailure(elsewhere))
      assert.notInclude(readFileSync(join(server.process.log), "utf8"), Redacted.value(secrets.one))
    }),
  )
})
