/** The one edge for randomness that secrets and ids are made of. */
import { randomBytes as nodeRandomBytes } from "node:crypto"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/** Where random bytes come from: the operating system, unless a test fixes them. */
export const Entropy = Context.Reference<(length: number) => Uint8Array>("shared/crypto/Entropy", {
  defaultValue: () => (length) => nodeRandomBytes(length),
})

/** `length` bytes that nobody can predict. */
export const randomBytes = (length: number): Effect.Effect<Uint8Array> =>
  Effect.map(Entropy, (entropy) => entropy(length))
