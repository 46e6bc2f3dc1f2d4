/** Reads a request body of bounded size. */
import type { Readable } from "node:stream"

/** Calls `done` once with the whole body, or `tooLarge` as soon as more than `limit` bytes have come. */
export const readBody = (source: Readable, limit: number, done: (body: Buffer) => void, tooLarge: () => void): void => {
  const chunks: Array<Buffer> = []
  let size = 0
  source.on("data", (chunk: Buffer) => {
    const before = size
    size += chunk.length
    if (size <= limit) chunks.push(chunk)
    else if (before <= limit) tooLarge()
  })
  source.on("end", () => {
    const [only] = chunks
    if (size <= limit) done(only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks, size))
  })
}
