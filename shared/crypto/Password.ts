/** Password hashing: argon2id with a bounded number at a time, since each one takes 19 MiB and tens of milliseconds. */
import { availableParallelism } from "node:os"
import { parseOptions } from "@node-rs/argon2"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import * as HashingThreads from "./HashingThreads.ts"
import { randomBytes } from "./random.ts"

/** OWASP Password Storage Cheat Sheet (2026-08): argon2id, 19 MiB, two passes, one lane. The library's default is id. */
const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32 }

/** Longer input is never a password of ours; hashing it would be a gift to an attacker. */
const maxBytes = 1024

const hashes = Metric.counter("authsome_mesh_password_hashes_total", {
  description: "Passwords hashed, to be stored, verified, or for show",
  incremental: true,
})

/** A hash like any other that no password has: its 256 bits are not the outcome of hashing, but of chance. */
const hashOfNothing = Effect.gen(function* () {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64").replaceAll("=", "")
  const { memoryCost, timeCost, parallelism, outputLen } = parameters
  const [salt, outcome] = [base64(yield* randomBytes(16)), base64(yield* randomBytes(outputLen))]
  return `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$${salt}$${outcome}`
})

/** More passwords wait to be hashed than can be done in good time. */
export class Overloaded extends Schema.TaggedError<Overloaded>()("Overloaded", { retryAfterMillis: Schema.Int }) {}

export class Passwords extends Context.Service<
  Passwords,
  {
    /** The PHC string to store. A password of more than 1024 bytes is a defect: bound it in the contract. */
    readonly hash: (password: Redacted.Redacted<string>) => Effect.Effect<string, Overloaded>
    /** Whether the password is the one that `phc` was made of. A malformed `phc` is a defect. */
    readonly verify: (phc: string, password: Redacted.Redacted<string>) => Effect.Effect<boolean, Overloaded>
    /** Takes as long as `verify`, for an account that does not exist, so that the time does not tell. */
    readonly verifyNothing: (password: Redacted.Redacted<string>) => Effect.Effect<void, Overloaded>
    /** Whether `phc` was made with other parameters than today's: hash again while the password is at hand. */
    readonly needsRehash: (phc: string) => boolean
  }
>()("shared/crypto/Passwords") {
  /**
   * At most `concurrency` hashes at a time, each on a thread of its own, at most `queue` callers waiting (default 32 for
   * each); the rest fails with `Overloaded` at once. Unless said, one core is left to everything else: however many people
   * sign in, nobody else waits for them.
   */
  static readonly layerWith = (options: { readonly concurrency?: number; readonly queue?: number } = {}) =>
    Layer.effect(
      Passwords,
      Effect.gen(function* () {
        const concurrency = options.concurrency ?? Math.max(1, Math.min(4, availableParallelism() - 1))
        const limit = concurrency + (options.queue ?? concurrency * 32)
        const threads = yield* HashingThreads.make(concurrency)
        // One at work and one at hand for each thread, so that none waits for the event loop between two.
        const permits = yield* Semaphore.make(2 * concurrency)
        let present = 0

        const run = (password: string, phc?: string): Effect.Effect<string | boolean, Overloaded> =>
          Effect.suspend(() => {
            if (present >= limit) return Effect.fail(new Overloaded({ retryAfterMillis: 1000 }))
            present++
            return Effect.ensuring(
              // A hash that has begun cannot be stopped: its permit is held to the end, or the bound would not hold.
              Semaphore.withPermits(
                permits,
                1,
              )(
                Effect.uninterruptible(
                  Effect.andThen(
                    Metric.update(hashes, 1),
                    Effect.promise(() => threads.run({ password, phc, parameters })),
                  ),
                ),
              ),
              Effect.sync(() => {
                present--
              }),
            )
          })

        const hash = (password: string) => Effect.map(run(password), String)
        const verify = (phc: string, password: string) => Effect.map(run(password, phc), (right) => right === true)

        const fits = (password: Redacted.Redacted<string>) => Buffer.byteLength(Redacted.value(password)) <= maxBytes

        const nothing = yield* hashOfNothing

        const verifyNothing = (password: Redacted.Redacted<string>) =>
          verify(nothing, fits(password) ? Redacted.value(password) : "")

        return Passwords.of({
          hash: (password) =>
            fits(password)
              ? hash(Redacted.value(password))
              : Effect.die(new RangeError(`a password of more than ${maxBytes} bytes`)),
          verify: (phc, password) =>
            fits(password) ? verify(phc, Redacted.value(password)) : Effect.as(verifyNothing(password), false),
          verifyNothing: (password) => Effect.asVoid(verifyNothing(password)),
          needsRehash: (phc) => {
            const made = parseOptions(phc)
            return (
              !phc.startsWith("$argon2id$") ||
              made.memoryCost !== parameters.memoryCost ||
              made.timeCost !== parameters.timeCost ||
              made.parallelism !== parameters.parallelism ||
              made.outputLen !== parameters.outputLen
            )
          },
        })
      }),
    )

  static readonly layer = Passwords.layerWith()
}
