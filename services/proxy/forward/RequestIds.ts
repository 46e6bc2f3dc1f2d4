/** Correlation ids for customers' requests, `req_…`: as `newId` makes them, for a tenth of its cost. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Entropy } from "#shared/crypto/random.ts"
import { encodeBase32 } from "#shared/ids/base32.ts"
import { wellFormedRequestId } from "#shared/telemetry/RequestId.ts"

const randomLength = 10
/** One call of the operating system serves this many ids. */
const batch = 400

export class RequestIds extends Context.Service<
  RequestIds,
  {
    /** The given id where it is well formed, else a new one. `now` in epoch milliseconds. */
    readonly accept: (given: string | undefined, now: number) => string
  }
>()("proxy/forward/RequestIds") {
  static readonly layer = Layer.effect(
    RequestIds,
    Effect.map(Entropy, (entropy) => {
      let pool = new Uint8Array(0)
      let used = 0
      // UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, version, random, variant, random.
      const bytes = new Uint8Array(16)
      const view = new DataView(bytes.buffer)
      const next = (now: number): string => {
        if (used === pool.length) {
          pool = Uint8Array.from(entropy(batch * randomLength))
          used = 0
        }
        bytes.set(pool.subarray(used, used + randomLength), 6)
        used += randomLength
        view.setUint16(0, Math.floor(now / 2 ** 32))
        view.setUint32(2, now % 2 ** 32)
        view.setUint8(6, 0x70 | (view.getUint8(6) & 0x0f))
        view.setUint8(8, 0x80 | (view.getUint8(8) & 0x3f))
        return `req_${encodeBase32(bytes)}`
      }
      return { accept: (given, now) => (given !== undefined && wellFormedRequestId(given) ? given : next(now)) }
    }),
  )
}
