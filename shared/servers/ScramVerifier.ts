import { createHash, createHmac, pbkdf2Sync } from "node:crypto"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { randomBytes } from "../crypto/random.ts"

const iterations = 4_096

/**
 * What PostgreSQL stores of a password: `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>` (RFC 5803, keys of
 * RFC 5802). Given in place of the password, it keeps the password itself out of the server's log and statistics. For
 * passwords of printable ASCII, to which SASLprep does nothing.
 */
export const scramVerifier = (password: Redacted.Redacted<string>): Effect.Effect<string> =>
  Effect.map(randomBytes(16), (salt) => {
    const salted = pbkdf2Sync(Redacted.value(password), salt, iterations, 32, "sha256")
    const keyed = (text: string) => createHmac("sha256", salted).update(text).digest()
    const storedKey = createHash("sha256").update(keyed("Client Key")).digest("base64")
    const serverKey = keyed("Server Key").toString("base64")
    return `SCRAM-SHA-256$${iterations}:${Buffer.from(salt).toString("base64")}$${storedKey}:${serverKey}`
  })
