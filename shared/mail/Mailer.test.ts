import { createServer, type Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { SMTPServer } from "smtp-server"
import { Backing } from "../testing/Backing.ts"
import { mailTo } from "../testing/Mailbox.ts"
import { Mailer } from "./Mailer.ts"

const from = "Tester <tester@example.test>"
const mail = { to: Redacted.make("mailer@example.test"), subject: "Grüße", text: "Hello ✓", html: "<p>Hello</p>" }

const at = (url: string) => Mailer.layer({ url: Redacted.make(url), from, stepTimeout: "200 millis" })
const send = Effect.flatMap(Mailer, (mailer) => mailer.send(mail))

/** A server on a port of its own; its address. */
const listening = (server: ReturnType<typeof createServer>) =>
  Effect.acquireRelease(
    Effect.callback<string>((resume) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(Effect.succeed(`smtp://127.0.0.1:${typeof address === "object" ? address?.port : ""}`))
      })
    }),
    () => Effect.sync(() => server.close()),
  )

describe("a mail", () => {
  it.live("arrives as it was sent", () =>
    Effect.gen(function* () {
      yield* send
      const raw = yield* mailTo("mailer@example.test")
      assert.match(raw, /^From: Tester <tester@example\.test>/m)
      assert.match(raw, /^Content-Type: multipart\/alternative/m)
      assert.include(raw, "Hello =E2=9C=93")
    }).pipe(Effect.provide(Layer.unwrap(Effect.map(Backing, ({ smtp }) => at(smtp)))), Effect.provide(Backing.layer)),
  )

  it.live("that the server refuses says with which answer, and names nobody", () =>
    Effect.gen(function* () {
      const smtp = new SMTPServer({
        authOptional: true,
        disabledCommands: ["STARTTLS"],
        onRcptTo: ({ address }, _, done) => done(Object.assign(new Error(`no ${address} here`), { responseCode: 550 })),
      })
      const url = yield* listening(smtp.server)
      const error = yield* Effect.flip(Effect.provide(send, at(url)))
      assert.strictEqual(error.status, 550)
      assert.strictEqual(error.message, "the mail server answered 550")
      assert.notInclude(JSON.stringify(error), "mailer@example.test")
    }),
  )

  it.live("to a server that is away, or silent, is given up in time", () =>
    Effect.gen(function* () {
      const sockets: Array<Socket> = []
      const silent = yield* listening(createServer((socket) => sockets.push(socket)))
      for (const url of ["smtp://127.0.0.1:1", silent]) {
        const error = yield* Effect.flip(Effect.provide(send, at(url)))
        assert.strictEqual(error.message, "the mail server does not answer")
      }
      for (const socket of sockets) socket.destroy()
    }),
  )
})

it.effect("the server is found by SMTP_URL", () =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(Effect.provide(Effect.void, Mailer.layerConfig))
    assert.include(error.message, "SMTP_URL")
  }).pipe(Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown({}))),
)
