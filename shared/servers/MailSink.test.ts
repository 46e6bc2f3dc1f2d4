import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { createTransport } from "nodemailer"
import * as MailSink from "./MailSink.ts"
import { freePort } from "./Ports.ts"

layer(NodeFileSystem.layer, { excludeTestServices: true })("the mail sink", (it) => {
  it.effect("makes every mail a file, whole and in order", () =>
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const dir = join(yield* files.makeTempDirectoryScoped(), "mail")
      const { url } = yield* MailSink.start({ dir, port: yield* freePort })
      const transport = createTransport(url)
      for (const subject of ["first", "second"]) {
        yield* Effect.promise(() =>
          transport.sendMail({ from: "us@example.com", to: "ada@example.com", subject, text: "Hello" }),
        )
      }
      const names = readdirSync(dir).sort()
      assert.strictEqual(names.length, 2)
      assert.match(names[0] ?? "", /^\d{8}T\d{6}\.\d{3}Z-000001\.eml$/)
      const mails = names.map((name) => readFileSync(join(dir, name), "utf8"))
      assert.match(mails[0] ?? "", /^Subject: first\r?$/m)
      assert.match(mails[1] ?? "", /^Subject: second\r?$/m)
    }),
  )

  it.effect("refuses a mail that is too big, and goes on", () =>
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const dir = yield* files.makeTempDirectoryScoped()
      const { url } = yield* MailSink.start({ dir, port: yield* freePort })
      const transport = createTransport(url)
      const mail = { from: "us@example.com", to: "ada@example.com", subject: "x" }
      const big = yield* Effect.exit(
        Effect.tryPromise(() => transport.sendMail({ ...mail, text: "x".repeat(80).concat("\n").repeat(150_000) })),
      )
      assert.strictEqual(big._tag, "Failure")
      yield* Effect.promise(() => transport.sendMail({ ...mail, text: "small" }))
      assert.strictEqual(readdirSync(dir).length, 1)
    }),
  )
})
