/** Counting wrong passwords and codes, by account and by the address of the client. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { sweeping } from "#shared/runtime/sweeping.ts"
import type { DatabaseFailed } from "../database/DatabaseFailed.ts"
import { TransactionStore } from "../database/TransactionStore.ts"
import type { ClientInfo } from "../sessions/Session.ts"
import type { UserId } from "../users/User.ts"
import { AccountLocked, accountPolicy, addressPolicy, afterFailure } from "./Lockout.ts"
import { type Guessed, LockoutStore } from "./LockoutStore.ts"

/** Whose password or code is guessed. */
export type Target = Exclude<Guessed, { readonly _tag: "Address" }>

type Refused = AccountLocked | DatabaseFailed

export class Lockouts extends Context.Service<
  Lockouts,
  {
    /** Refuses while the account, or the address of the client, is locked: ask before judging a password or code. */
    readonly refuseLocked: (target: Target, client: ClientInfo) => Effect.Effect<void, Refused>
    /**
     * Counts a wrong guess, in a transaction of its own: a refusal must not take it back, so it belongs in the first step of
     * a prepared handler. Of guesses at the same time those that come after the lock are refused by it, as if they had not
     * been judged.
     */
    readonly countFailure: (target: Target, client: ClientInfo) => Effect.Effect<void, Refused>
    /**
     * Forgets the wrong guesses at the account, in the transaction of what the right one is good for; refuses where others
     * have locked account or address meanwhile. The address has its own memory: one who has an account could clear it.
     */
    readonly forget: (userId: UserId, client: ClientInfo) => Effect.Effect<void, Refused>
  }
>()("identity/Lockouts") {
  static readonly layer = Layer.effect(
    Lockouts,
    Effect.gen(function* () {
      const { atomically } = yield* TransactionStore
      const store = yield* LockoutStore

      yield* sweeping(store.sweep(accountPolicy.memory))

      const refuse = (millis: number): Effect.Effect<void, AccountLocked> =>
        millis > 0 ? Effect.fail(new AccountLocked({ retryAfterMillis: Math.ceil(millis) })) : Effect.void

      const countFailure = Effect.fn("Lockouts.countFailure")(function* (target: Target, client: ClientInfo) {
        // Always the account before the address: two guesses at a time must not wait for each other.
        const guessed = [target, ...addressOf(client)]
        const tallies = yield* Effect.forEach(guessed, (each) =>
          Effect.map(store.tallyForUpdate(each), (tally) => ({ each, tally })),
        )
        yield* refuse(Math.max(...tallies.map(({ tally }) => tally.lockedForMillis)))
        yield* Effect.forEach(
          tallies,
          ({ each, tally }) =>
            store.save(each, afterFailure(each._tag === "Address" ? addressPolicy : accountPolicy, tally)),
          { discard: true },
        )
      }, atomically)

      const refuseLocked = Effect.fnUntraced(function* (target: Target, client: ClientInfo) {
        const locks = yield* Effect.forEach([target, ...addressOf(client)], store.lockedFor, { concurrency: 2 })
        yield* refuse(Math.max(...locks))
      })

      const forget = Effect.fnUntraced(function* (userId: UserId, client: ClientInfo) {
        const forgotten = yield* store.forget(userId)
        yield* forgotten
          ? Effect.flatMap(Effect.forEach(addressOf(client), store.lockedFor), (locks) => refuse(Math.max(0, ...locks)))
          : refuseLocked({ _tag: "Account", userId }, client)
      })

      return Lockouts.of({ refuseLocked, countFailure, forget })
    }),
  )
}

const addressOf = ({ ipAddress }: ClientInfo): ReadonlyArray<Guessed> =>
  ipAddress === "" ? [] : [{ _tag: "Address", address: ipAddress }]
