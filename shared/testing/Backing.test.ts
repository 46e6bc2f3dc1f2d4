import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import { connect } from "nats"
import { createTransport } from "nodemailer"
import { Backing } from "./Backing.ts"
import { mailsTo, mailTo } from "./Mailbox.ts"
import { TestDatabase } from "./TestDatabase.ts"
import { TestRedis } from "./TestRedis.ts"
import { TestNats } from "./TestServers.ts"

layer(Backing.layer, { excludeTestServices: true })("the servers of a test run", (it) => {
  it.effect("give each who asks a database of its own, with the migrations or empty", () =>
    Effect.gen(function* () {
      const tables = Effect.flatMap(
        SqlClient.SqlClient,
        (sql) => sql<{ name: string }>`SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
      )
      const namesIn = (database: Layer.Layer<TestDatabase | SqlClient.SqlClient, unknown>) =>
        Effect.provide(Effect.all([Effect.map(TestDatabase, ({ name }) => name), tables]), Layer.fresh(database))
      const migrated = TestDatabase.sql("control")
      const [one, inOne] = yield* namesIn(migrated)
      const [two, inTwo] = yield* namesIn(migrated)
      assert.notStrictEqual(one, two)
      assert.deepStrictEqual(inOne, inTwo)
      assert.isNotEmpty(inOne)
      const [, inEmpty] = yield* namesIn(Layer.provideMerge(TestDatabase.client, TestDatabase.empty))
      assert.isEmpty(inEmpty)
    }),
  )

  it.effect("give each who asks a Redis database of its own", () =>
    Effect.gen(function* () {
      const url = Effect.provide(
        Effect.map(TestRedis, ({ url }) => Redacted.value(url)),
        Layer.fresh(TestRedis.layer),
      )
      assert.notStrictEqual(yield* url, yield* url)
    }),
  )

  it.effect("show a mail to who waits for it", () =>
    Effect.gen(function* () {
      const { smtp } = yield* Backing
      const to = "grace.of.this.test@example.com"
      assert.isEmpty(yield* mailsTo(to))
      const transport = createTransport(smtp)
      yield* Effect.promise(() => transport.sendMail({ from: "us@example.com", to, subject: "Hello", text: "you" }))
      assert.match(yield* mailTo(to), /^Subject: Hello\r?$/m)
    }),
  )

  it.effect("let a test kill a NATS of its own, which keeps its messages", () =>
    Effect.gen(function* () {
      const { url, kill, start } = yield* TestNats
      const jetStream = Effect.acquireRelease(
        Effect.promise(() => connect({ servers: Redacted.value(url) })),
        (nats) => Effect.promise(() => nats.close()),
      )
      yield* Effect.scoped(
        Effect.flatMap(jetStream, (nats) =>
          Effect.promise(async () => {
            const manager = await nats.jetstreamManager()
            await manager.streams.add({ name: "kept", subjects: ["kept"] })
            await nats.jetstream().publish("kept", "once")
          }),
        ),
      )
      yield* kill
      yield* start
      const { state } = yield* Effect.scoped(
        Effect.flatMap(jetStream, (nats) =>
          Effect.promise(async () => (await nats.jetstreamManager()).streams.info("kept")),
        ),
      )
      assert.strictEqual(state.messages, 1)
    }).pipe(Effect.provide(TestNats.layer)),
  )
})
