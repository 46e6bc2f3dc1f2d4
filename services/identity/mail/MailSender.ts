/** Hands the mails that wait to the mail server, each until it is taken, refused or of no use any more. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { Sealer } from "#shared/crypto/Sealer.ts"
import { Mailer, type MailUnavailable } from "#shared/mail/Mailer.ts"
import { sweeping } from "#shared/runtime/sweeping.ts"
import { backoff } from "./backoff.ts"
import { type ClaimedMail, MailStore } from "./MailStore.ts"
import { MailContent, mailPlace } from "./Mails.ts"

/** Mails of other processes, and those whose pause is over, are looked for after this time. */
const pollInterval = Duration.seconds(2)
const batchSize = 8
const concurrency = 2
/** Longer than a batch takes at a server that does not answer: who dies in the middle keeps its mails for so long. */
const lease = Duration.minutes(2)
const keepEnvelopes = Duration.days(1)
const sweepInterval = Duration.minutes(5)

const mailsTotal = Metric.counter("authsome_identity_mails_total", {
  description: "Mails handed to the mail server, by what became of them",
  incremental: true,
})

type Outcome = "sent" | "postponed" | "refused" | "unreadable" | "expired"

const counted = (outcome: Outcome, count = 1) => Metric.update(Metric.withAttributes(mailsTotal, { outcome }), count)

const sender = Effect.gen(function* () {
  const store = yield* MailStore
  const mailer = yield* Mailer
  const sealer = yield* Sealer
  const decode = Schema.decodeUnknownEffect(MailContent)

  const giveUp = Effect.fnUntraced(function* ({ id, kind }: ClaimedMail, outcome: Outcome, status?: number) {
    yield* Effect.logWarning("a mail is given up", { kind, outcome, ...(status === undefined ? {} : { status }) })
    yield* counted(outcome)
    yield* store.finish(id)
  })

  const failed = Effect.fnUntraced(function* (mail: ClaimedMail, { status }: MailUnavailable) {
    // 5xx: the server will say the same of this mail for ever (RFC 5321, section 4.2.1).
    if (status !== undefined && status >= 500) return yield* giveUp(mail, "refused", status)
    yield* counted("postponed")
    yield* store.postpone(mail.id, backoff(mail.attempts))
  })

  const deliver = (mail: ClaimedMail) =>
    sealer.open(mail.sealed, mailPlace(mail.id)).pipe(
      Effect.flatMap((content) => decode(Redacted.value(content))),
      Effect.flatMap(({ to, subject, text }) =>
        to === ""
          ? store.finish(mail.id)
          : mailer
              .send({ to: Redacted.make(to), subject, text })
              .pipe(Effect.andThen(counted("sent")), Effect.andThen(store.finish(mail.id))),
      ),
      Effect.catchTags({
        MailUnavailable: (error) => failed(mail, error),
        SealBroken: () => giveUp(mail, "unreadable"),
        SchemaError: () => giveUp(mail, "unreadable"),
      }),
      // It may have been taken; rather twice than late.
      Effect.onInterrupt(() => Effect.ignore(store.postpone(mail.id, Duration.zero))),
    )

  const turn = Effect.gen(function* () {
    const mails = yield* store.claim(batchSize, lease)
    yield* Effect.forEach(mails, deliver, { concurrency, discard: true })
    return mails.length
  })

  yield* turn.pipe(
    Effect.repeat({ while: (count) => count === batchSize }),
    Effect.andThen(Effect.raceFirst(store.appended, Effect.sleep(pollInterval))),
    // Whatever it is, it must not end the sender: mails would wait until nobody has use for them.
    Effect.catchCause((cause) =>
      Effect.andThen(Effect.logWarning("mails wait", cause), Effect.sleep(Duration.seconds(5))),
    ),
    Effect.forever,
    // A look at an empty queue belongs to no trace.
    Effect.withTracerEnabled(false),
    Effect.forkScoped,
  )
})

const sweeper = Effect.gen(function* () {
  const store = yield* MailStore
  const sweep = Effect.tap(store.sweep(keepEnvelopes), (given) =>
    given === 0
      ? Effect.void
      : Effect.andThen(Effect.logWarning("mails were never sent", { count: given }), counted("expired", given)),
  )
  yield* sweeping(sweep, { every: sweepInterval })
})

/** Sends for as long as the process runs, several processes side by side. */
export const layer = Layer.effectDiscard(Effect.andThen(sweeper, sender))

/** Without a mail server: mails wait for a process that has one, until they are of no use. */
export const layerNone = Layer.effectDiscard(
  Effect.andThen(sweeper, Effect.logWarning("SMTP_URL is not set: no mail is sent")),
)
