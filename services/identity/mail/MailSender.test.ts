import { assert, layer } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import { SMTPServer } from "smtp-server"
import { Sealer } from "#shared/crypto/Sealer.ts"
import { newUuid } from "#shared/ids/Id.ts"
import { Mailer } from "#shared/mail/Mailer.ts"
import { freePort } from "#shared/servers/Ports.ts"
import * as Log from "#shared/telemetry/Log.ts"
import { Backing } from "#shared/testing/Backing.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { TestDatabase } from "#shared/testing/TestDatabase.ts"
import { allSent, lettersTo, letterTo, tokenIn } from "../testing/Letters.ts"
import { UserId } from "../users/User.ts"
import * as MailSender from "./MailSender.ts"
import { MailStore } from "./MailStore.ts"
import { Mails, nobody, type Recipient } from "./Mails.ts"

const sealer = (id: string) =>
  Sealer.layer([{ id, key: Redacted.make(new Uint8Array(Buffer.alloc(32, id.charCodeAt(0)))) }])

/** A program that writes and, where there is a mail server, sends. Each has its own. */
const program = (smtp: string | undefined, key = "a") =>
  Mails.layer({ mailLinkUrl: new URL("https://mail.test") }).pipe(
    Layer.merge(
      smtp === undefined
        ? MailSender.layerNone
        : Layer.provide(
            MailSender.layer,
            Mailer.layer({ url: Redacted.make(smtp), from: "us@mail.test", stepTimeout: "500 millis" }),
          ),
    ),
    Layer.provide([MailStore.layer, sealer(key)]),
    Layer.fresh,
  )

const to = Effect.fnUntraced(function* (name: string) {
  const userId = UserId.make(yield* newUuid)
  const recipient: Recipient = { userId, address: Redacted.make(`${name}@mail.test`) }
  return { recipient, address: Redacted.value(recipient.address) }
})

const token = Redacted.make("a-token_of-ours")
const reset = "Choose a new password"

/** Writes in a transaction, as the program of the layer. */
const written = (recipient: Recipient, lifetime?: Duration.Duration) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const mails = yield* Mails
    yield* sql.withTransaction(mails.append(recipient, { kind: "passwordReset", token }, lifetime))
  })

interface Row {
  readonly sealed: string | null
  readonly attempts: number
}

const rowOf = ({ userId }: Recipient) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const [row] = yield* sql<Row>`SELECT sealed, attempts FROM mails WHERE user_id = ${userId}::uuid`
    return row
  })

/** Waits until that is so of the row. */
const reaches = (recipient: Recipient, is: (row: Row) => boolean) =>
  eventually(Effect.filterOrFail(rowOf(recipient), (row): row is Row => row !== undefined && is(row)))

const finished = (recipient: Recipient) => reaches(recipient, ({ sealed }) => sealed === null)

const smtp = Effect.map(Backing, (backing) => backing.smtp)

/** A mail server that answers every recipient so. */
const answering = (responseCode: number) =>
  Effect.gen(function* () {
    const port = yield* freePort
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ["STARTTLS"],
      onRcptTo: ({ address }, _, done) => done(Object.assign(new Error(`not ${address}`), { responseCode })),
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => void server.listen(port, "127.0.0.1", () => resume(Effect.void))),
      () => Effect.callback<void>((resume) => server.close(() => resume(Effect.void))),
    )
    return `smtp://127.0.0.1:${port}`
  })

layer(Layer.merge(TestDatabase.sql("identity"), Backing.layer), { excludeTestServices: true })("mails", (it) => {
  it.effect("are sent after the commit, and leave nothing to read behind", () =>
    Effect.gen(function* () {
      const { recipient, address } = yield* to("ada")
      yield* written(recipient)
      assert.strictEqual(tokenIn(yield* letterTo(address, reset)), Redacted.value(token))
      yield* finished(recipient)
    }).pipe(Effect.provide(Layer.unwrap(Effect.map(smtp, (url) => program(url))))),
  )

  it.effect("are not sent where the transaction is taken back, nor to nobody", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { recipient, address } = yield* to("grace")
      yield* Effect.flip(sql.withTransaction(Effect.andThen(written(recipient), Effect.fail("taken back"))))
      yield* written(nobody)
      yield* allSent
      assert.isUndefined(yield* rowOf(recipient))
      assert.deepStrictEqual(yield* lettersTo(address, reset), [])
    }).pipe(Effect.provide(Layer.unwrap(Effect.map(smtp, (url) => program(url))))),
  )

  it.effect("are kept sealed, and opened by who has the key alone", () =>
    Effect.gen(function* () {
      const { recipient, address } = yield* to("edsger")
      yield* Effect.provide(written(recipient), program(undefined))
      const row = yield* rowOf(recipient)
      assert.match(row?.sealed ?? "", /^v1\.a\./)
      const lines: Array<string> = []
      const url = yield* smtp
      yield* finished(recipient).pipe(
        Effect.provide(program(url, "b")),
        Effect.provide(
          Log.layer("test").pipe(Layer.provide(Layer.succeed(Log.LogSink, (line) => void lines.push(line)))),
        ),
      )
      assert.deepStrictEqual(yield* lettersTo(address, reset), [])
      assert.include(lines.join(""), "a mail is given up")
    }),
  )

  it.effect("wait for a mail server that is away, or busy, and then are sent", () =>
    Effect.gen(function* () {
      const { recipient, address } = yield* to("barbara")
      yield* written(recipient).pipe(
        Effect.andThen(reaches(recipient, ({ attempts }) => attempts === 1)),
        Effect.provide(program("smtp://127.0.0.1:1")),
      )
      const sql = yield* SqlClient.SqlClient
      const now = sql`UPDATE mails SET next_attempt_at = now() WHERE user_id = ${recipient.userId}::uuid`
      yield* now
      const busy = yield* answering(451)
      yield* Effect.provide(
        reaches(recipient, ({ attempts }) => attempts >= 2),
        program(busy),
      )
      yield* now
      yield* Effect.provide(finished(recipient), program(yield* smtp))
      assert.lengthOf(yield* lettersTo(address, reset), 1)
    }),
  )

  it.effect("that the mail server will never take are given up, and the log names nobody", () =>
    Effect.gen(function* () {
      const { recipient, address } = yield* to("donald")
      const lines: Array<string> = []
      yield* written(recipient).pipe(
        Effect.andThen(finished(recipient)),
        Effect.provide(program(yield* answering(550))),
        Effect.provide(
          Log.layer("test").pipe(Layer.provide(Layer.succeed(Log.LogSink, (line) => void lines.push(line)))),
        ),
      )
      const row = yield* rowOf(recipient)
      assert.strictEqual(row?.attempts, 1)
      const text = lines.join("")
      for (const part of ["a mail is given up", "passwordReset", "550"]) assert.include(text, part)
      for (const secret of [address, "donald", Redacted.value(token)]) assert.notInclude(text, secret)
    }),
  )

  it.effect("are not sent when nobody has use for them any more", () =>
    Effect.gen(function* () {
      const late = yield* to("late")
      const early = yield* to("early")
      yield* Effect.andThen(written(late.recipient, Duration.zero), written(early.recipient)).pipe(
        Effect.provide(program(undefined)),
      )
      yield* Effect.provide(finished(early.recipient), program(yield* smtp))
      assert.lengthOf(yield* lettersTo(early.address, reset), 1)
      assert.deepStrictEqual(yield* lettersTo(late.address, reset), [])
      const store = yield* Effect.provide(MailStore, MailStore.layer)
      assert.strictEqual(yield* store.sweep(Duration.days(1)), 1)
      assert.isNull((yield* rowOf(late.recipient))?.sealed)
      yield* store.sweep(Duration.zero)
      assert.isUndefined(yield* rowOf(late.recipient))
    }),
  )

  it.effect("are sent once by several processes side by side", () =>
    Effect.gen(function* () {
      const people = yield* Effect.forEach(Array.from({ length: 30 }), (_, index) => to(`many${index}`))
      yield* Effect.forEach(people, ({ recipient }) => written(recipient)).pipe(Effect.provide(program(undefined)))
      const url = yield* smtp
      yield* allSent.pipe(Effect.provide(program(url)), Effect.provide(program(url)), Effect.provide(program(url)))
      for (const { address } of people) assert.lengthOf(yield* lettersTo(address, reset), 1, address)
    }),
  )
})
