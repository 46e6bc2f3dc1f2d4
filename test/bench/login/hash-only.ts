/** What a login cannot do without: verifies passwords, with the same parameters and as many at a time as the product. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { Passwords } from "#shared/crypto/Password.ts"
import { answer, tellReady } from "../child.ts"
import { isCalls } from "../hop/payload.ts"

const password = Redacted.make("correct horse battery staple")
const passwords = await Effect.runPromise(Effect.provide(Passwords, Passwords.layer))
const phc = await Effect.runPromise(passwords.hash(password))

answer(async (message) => {
  if (!isCalls(message)) return
  const { count, concurrency } = message
  const verify = passwords.verify(phc, password)
  await Effect.runPromise(Effect.forEach(Array.from({ length: count }), () => verify, { concurrency, discard: true }))
})
tellReady({})
