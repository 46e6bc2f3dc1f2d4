/** The letters that the program has written to somebody, as they are read, and what it did for that. */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as SqlClient from "effect/sql/SqlClient"
import { eventually } from "#shared/testing/eventually.ts"
import { mailsTo } from "#shared/testing/Mailbox.ts"

/** A line that is too long for a mail is broken, and its = signs are written =3D (RFC 2045, section 6.7). */
const readable = (mail: string) => mail.replaceAll(/=\r?\n/g, "").replaceAll("=3D", "=")

/** All letters with this subject to the address, the oldest first. */
export const lettersTo = (address: string, subject: string) =>
  Effect.map(mailsTo(address), (mails) => mails.map(readable).filter((mail) => mail.includes(`Subject: ${subject}`)))

/** The newest letter with this subject to the address; waits until there are so many. */
export const letterTo = (address: string, subject: string, count = 1) =>
  eventually(
    Effect.flatMap(lettersTo(address, subject), (letters) => {
      const letter = letters[count - 1]
      return letter === undefined ? Effect.fail(`${letters.length} of ${count}`) : Effect.succeed(letter)
    }),
  )

/** The token in the link of a letter. */
export const tokenIn = (letter: string): string => /\?token=([\w-]+)/.exec(letter)?.[1] ?? ""

/** Waits until no mail waits to be sent. */
export const allSent = eventually(
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const waiting = yield* sql<{ readonly kind: string }>`SELECT kind FROM mails WHERE sealed IS NOT NULL`
    if (waiting.length > 0) return yield* Effect.fail(`mails wait: ${waiting.map(({ kind }) => kind).join(", ")}`)
  }),
)

/** How many passwords the effect had hashed. */
export const countingHashes = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const before = yield* hashCount
    const value = yield* effect
    return { value, hashes: (yield* hashCount) - before }
  })

const hashCount = Effect.map(Metric.snapshot, (metrics) =>
  metrics.reduce(
    (sum, { id, type, state }) =>
      type === "Counter" && id === "authsome_mesh_password_hashes_total" ? sum + Number(state.count) : sum,
    0,
  ),
)
