/** Mail by SMTP, bounded in time: whoever sends decides whether to try again. */

import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { redactedUrl } from "../runtime/EnvConfig.ts"

/** The mail server is away, too slow, or refused the mail. Names no address. */
export class MailUnavailable extends Schema.TaggedError<MailUnavailable>()("MailUnavailable", {
  /** The SMTP reply, where there was one: 4xx may pass, 5xx will not. */
  status: Schema.optional(Schema.Int),
}) {
  override get message(): string {
    return this.status === undefined ? "the mail server does not answer" : `the mail server answered ${this.status}`
  }
}

export interface Mail {
  readonly to: Redacted.Redacted<string>
  readonly subject: string
  readonly text: string
  readonly html?: string
}

export interface MailerOptions {
  readonly url: Redacted.Redacted<string>
  /** Such as `AuthSome <no-reply@example.com>`. */
  readonly from: string
  /** The longest that the server may take to accept the connection, to greet, and to answer. Unset: 5 s each. */
  readonly stepTimeout?: Duration.Input
}

export class Mailer extends Context.Service<
  Mailer,
  {
    /** Succeeds when the server has taken the mail; fails within four times the `stepTimeout`. */
    readonly send: (mail: Mail) => Effect.Effect<void, MailUnavailable>
  }
>()("shared/mail/Mailer") {
  static readonly layer = (options: MailerOptions): Layer.Layer<Mailer> =>
    Layer.effect(
      Mailer,
      Effect.gen(function* () {
        const step = Duration.toMillis(options.stepTimeout ?? "5 seconds")
        const opened = Effect.map(library, ({ createTransport }) =>
          createTransport({
            url: Redacted.value(options.url),
            pool: true,
            maxConnections: 2,
            // A mail whose connection broke may have arrived: whoever sent it decides.
            maxRequeues: 0,
            connectionTimeout: step,
            greetingTimeout: step,
            socketTimeout: 2 * step,
            disableFileAccess: true,
            disableUrlAccess: true,
          }),
        )
        const scope = yield* Effect.scope
        const transport = yield* Effect.acquireRelease(opened, (open) => Effect.sync(() => open.close())).pipe(
          Scope.provide(scope),
          Effect.cached,
        )
        return Mailer.of({
          send: ({ to, ...mail }) =>
            Effect.flatMap(transport, (open) =>
              Effect.tryPromise({
                try: () => open.sendMail({ ...mail, from: options.from, to: Redacted.value(to) }),
                catch: refusal,
              }),
            ).pipe(
              Effect.timeoutOrElse({
                duration: 4 * step,
                orElse: () => Effect.fail(new MailUnavailable({ status: undefined })),
              }),
              Effect.asVoid,
              Effect.withSpan("Mailer.send", { kind: "client" }),
            ),
        })
      }),
    )

  /** Reads `SMTP_URL` and `MAIL_FROM`. */
  static readonly layerConfig: Layer.Layer<Mailer, Config.ConfigError> = Layer.unwrap(
    Effect.gen(function* () {
      const url = yield* redactedUrl("SMTP_URL", ["smtp", "smtps"])
      const from = yield* Config.NonEmptyString("MAIL_FROM").pipe(Config.withDefault("no-reply@localhost"))
      return Mailer.layer({ url, from })
    }),
  )
}

/** Only who writes a mail pays for the code that sends it. */
const library = Effect.promise(() => import("nodemailer"))

const Reply = Schema.Struct({ responseCode: Schema.Int })

const refusal = (cause: unknown): MailUnavailable =>
  new MailUnavailable({ status: Schema.is(Reply)(cause) ? cause.responseCode : undefined })
