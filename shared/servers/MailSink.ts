/** An SMTP server that delivers to nobody: every mail becomes a file that a person or a test can read. */
import { mkdir, rename, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { SMTPServer, type SMTPServerDataStream } from "smtp-server"
import { ServerFailed } from "./ServerFailed.ts"

const maxMailBytes = 10 * 1024 * 1024

/** A mail sink that is ready. */
export interface MailSink {
  readonly url: string
  /** Where the mails are: `<time>-<n>.eml`, in the order in which they came, each there whole or not at all. */
  readonly dir: string
}

/** Takes mails (of at most 10 MiB) on that port of the loopback address until the scope closes. */
export const start = Effect.fnUntraced(function* (options: {
  readonly dir: string
  readonly port: number
}): Effect.fn.Return<MailSink, ServerFailed, Scope.Scope> {
  const clock = yield* Clock.Clock
  const failed = (cause: unknown) => new ServerFailed({ server: "mail sink", reason: `could not start: ${cause}` })
  yield* Effect.tryPromise({ try: () => mkdir(options.dir, { recursive: true }), catch: failed })
  let count = 0
  const keep = async (mail: Buffer) => {
    count += 1
    const time = new Date(clock.currentTimeMillisUnsafe()).toISOString().replace(/[-:]/g, "")
    const file = join(options.dir, `${time}-${String(count).padStart(6, "0")}.eml`)
    await writeFile(`${file}.half`, mail, { mode: 0o600 })
    await rename(`${file}.half`, file)
  }
  const smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ["AUTH", "STARTTLS"],
    hideSTARTTLS: true,
    size: maxMailBytes,
    maxClients: 50,
    closeTimeout: 1_000,
    onData: (stream, _session, done) => {
      whole(stream)
        .then(keep)
        .then(() => done(), done)
    },
  })
  yield* Effect.acquireRelease(
    Effect.callback<void, ServerFailed>((resume) => {
      smtp.once("error", (error) => resume(Effect.fail(failed(error))))
      smtp.listen(options.port, "127.0.0.1", () => resume(Effect.void))
    }),
    () => Effect.callback<void>((resume) => smtp.close(() => resume(Effect.void))),
  )
  // A client that hangs up in the middle is no reason to end.
  smtp.on("error", () => undefined)
  return { url: `smtp://127.0.0.1:${options.port}`, dir: options.dir }
})

const whole = async (stream: SMTPServerDataStream): Promise<Buffer> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  if (stream.sizeExceeded) throw Object.assign(new Error("the mail is too big"), { responseCode: 552 })
  return Buffer.concat(chunks)
}
