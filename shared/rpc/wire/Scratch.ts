/** What is longer is copied by Node at once; what is shorter costs less than asking for that. UTF-16 units. */
const shortText = 32
/** Room for any usual message. A larger one gets more, which it does not keep. Bytes. */
const usualRoom = 64 * 1024

/**
 * Room to write messages in, one after the other, in protobuf's encoding (protobuf.dev, "Encoding"). A buffer made for
 * each message would be memory outside of the heap, which costs more than all the writing.
 */
export class Scratch {
  #bytes = Buffer.allocUnsafeSlow(usualRoom)
  #end = 0

  /** Forgets what was written before, whole or not. */
  begin(): void {
    this.#end = 0
  }

  /** A copy of what was written, out of Node's pool, behind so many bytes that are the caller's to fill. */
  taken(head: number): Buffer {
    const copy = Buffer.allocUnsafe(head + this.#end)
    this.#bytes.copy(copy, head, 0, this.#end)
    if (this.#bytes.length > usualRoom) this.#bytes = Buffer.allocUnsafeSlow(usualRoom)
    return copy
  }

  /** A whole number from 0 to 2^53. */
  varint(value: number): void {
    this.#reserve(8)
    let rest = value
    while (rest > 0x7f) {
      this.#bytes[this.#end++] = (rest & 0x7f) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#bytes[this.#end++] = rest
  }

  /** The two's complement of 64 bits. */
  varint64(value: bigint): void {
    this.#reserve(10)
    let rest = BigInt.asUintN(64, value)
    while (rest > 0x7fn) {
      this.#bytes[this.#end++] = Number(rest & 0x7fn) | 0x80
      rest >>= 7n
    }
    this.#bytes[this.#end++] = Number(rest)
  }

  double(value: number): void {
    this.#reserve(8)
    this.#end = this.#bytes.writeDoubleLE(value, this.#end)
  }

  /** Bytes as they are. */
  raw(value: Uint8Array): void {
    this.#reserve(value.length)
    this.#bytes.set(value, this.#end)
    this.#end += value.length
  }

  /** Text in UTF-8, after its length. */
  text(value: string): void {
    const { length } = value
    this.#reserve(5 + 3 * length)
    if (length <= shortText && this.#ascii(value)) return
    const at = this.open()
    this.#end += this.#bytes.write(value, this.#end)
    this.close(at)
  }

  /** Begins what is preceded by its length; give what it answers to `close`. */
  open(): number {
    this.#reserve(1)
    // Most lengths take one byte; for others `close` makes room.
    return this.#end++
  }

  close(at: number): void {
    const from = at + 1
    const length = this.#end - from
    const more = varintSize(length) - 1
    if (more > 0) {
      this.#reserve(more)
      this.#bytes.copyWithin(from + more, from, this.#end)
    }
    this.#end = at
    this.varint(length)
    this.#end += length
  }

  #ascii(value: string): boolean {
    const { length } = value
    const at = this.#end
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index)
      if (code > 0x7f) return false
      this.#bytes[at + 1 + index] = code
    }
    this.#bytes[at] = length
    this.#end = at + 1 + length
    return true
  }

  #reserve(size: number): void {
    const needed = this.#end + size
    if (needed <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length))
    this.#bytes.copy(larger, 0, 0, this.#bytes.length)
    this.#bytes = larger
  }
}

const varintSize = (value: number): number => {
  let size = 1
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) size += 1
  return size
}
