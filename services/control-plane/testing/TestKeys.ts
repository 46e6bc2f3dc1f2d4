/** Key material that only tests know. */
import { generateKeyPairSync } from "node:crypto"
import * as Redacted from "effect/Redacted"

/** What programs of the mesh show one another; the second is about to replace the first. */
export const meshKeys = ["mesh-key-of-the-tests", "the-key-that-replaces-it"] as const

export const sealingKeys = `test:${Buffer.alloc(32, 7).toString("base64")}`

export const signingKeys = Redacted.make(
  JSON.stringify({
    keys: [{ ...generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" }), kid: "test-1" }],
  }),
)
