/** Digests, and comparing secrets without telling how much of them was right. */
import { hash, timingSafeEqual } from "node:crypto"

/** SHA-256 of the bytes, or of the text in UTF-8. */
export const sha256 = (data: string | Uint8Array): Buffer => hash("sha256", data, "buffer")

/**
 * Whether two secrets are equal, in a time that depends on neither: both are hashed first, so that not even their
 * lengths show.
 */
export const constantTimeEqual = (left: string | Uint8Array, right: string | Uint8Array): boolean =>
  timingSafeEqual(sha256(left), sha256(right))
