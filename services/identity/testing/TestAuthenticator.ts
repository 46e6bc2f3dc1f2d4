/** An authenticator as people have one: it knows a secret and the time. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { totpCode, totpStepAt } from "#shared/crypto/Totp.ts"
import { eventually } from "#shared/testing/eventually.ts"

/** Waits until the step goes on for ten more seconds, so that a code is answered in the step in which it was read. */
const steady = eventually(
  Effect.filterOrFail(Clock.currentTimeMillis, (now) => now % 30_000 < 20_000),
  "15 seconds",
)

/** What an authenticator shows, or did or will so many steps away. */
export const shown = (secret: string, away = 0): Effect.Effect<string> =>
  Effect.map(Effect.orDie(steady), (now) => totpCode(Redacted.make(secret), totpStepAt(now) + away))

/** Six digits that an authenticator does not show anywhere near. */
export const wrong = Effect.fnUntraced(function* (secret: string) {
  const near = new Set(yield* Effect.forEach([-2, -1, 0, 1, 2, 3], (away) => shown(secret, away)))
  const candidates = Array.from({ length: 10 }, (_, index) => String(index).repeat(6))
  return candidates.find((code) => !near.has(code)) ?? ""
})
