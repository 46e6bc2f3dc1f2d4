import { leave } from "./fields.ts"

/** So many bits of a varint fit into a number. */
const exactBits = 49

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/**
 * Bytes of messages in protobuf's encoding (protobuf.dev, "Encoding"), read from the front to the back. One serves all
 * messages, one after the other.
 */
export class Source {
  #bytes: Buffer = nothing
  #at = 0
  #end = 0

  begin(bytes: Buffer): void {
    this.#bytes = bytes
    this.#at = 0
    this.#end = bytes.length
  }

  /** Keeps nothing of what was read. */
  forget(): void {
    this.#bytes = nothing
  }

  /** Whether anything is left of the message, or of the part that was entered last. */
  get hasMore(): boolean {
    return this.#at < this.#end
  }

  /** Enters a part that is preceded by its length; give what it answers to `exit`. */
  enter(): number {
    const length = this.varint()
    const outer = this.#end
    if (length > outer - this.#at) leave()
    this.#end = this.#at + length
    return outer
  }

  /** Leaves a part that has been read to its end. */
  exit(outer: number): void {
    if (this.#at !== this.#end) leave()
    this.#end = outer
  }

  /** A whole number from 0 to 2^49. */
  varint(): number {
    const first = this.#byte()
    if (first < 0x80) return first
    let value = first & 0x7f
    let factor = 0x80
    for (let bits = 7; bits < exactBits; bits += 7) {
      const byte = this.#byte()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
      factor *= 0x80
    }
    return leave()
  }

  /** A whole number as its two's complement of 64 bits. */
  varint64(): bigint {
    const start = this.#at
    let size = 1
    while (this.#byte() > 0x7f) size += 1
    this.#at = start
    // Numbers are many times as fast.
    if (size * 7 <= exactBits) return BigInt(this.varint())
    if (size > 10) leave()
    let value = 0n
    for (let bits = 0n; ; bits += 7n) {
      const byte = this.#byte()
      value |= BigInt(byte & 0x7f) << bits
      if (byte < 0x80) return BigInt.asIntN(64, value)
    }
  }

  double(): number {
    const at = this.#take(8)
    return this.#bytes.readDoubleLE(at)
  }

  /** Bytes after their length, in the memory that was read. */
  raw(): Uint8Array {
    const length = this.varint()
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  /** Text in UTF-8 after its length. */
  text(): string {
    const length = this.varint()
    const at = this.#take(length)
    const end = at + length
    const bytes = this.#bytes
    for (let index = at; index < end; index++) {
      if ((bytes[index] ?? 0) > 0x7f) return strictUtf8.decode(bytes.subarray(at, end))
    }
    return length === 0 ? "" : bytes.toString("latin1", at, end)
  }

  #byte(): number {
    if (this.#at >= this.#end) leave()
    return this.#bytes[this.#at++] ?? 0
  }

  #take(length: number): number {
    const at = this.#at
    if (length > this.#end - at) leave()
    this.#at = at + length
    return at
  }
}

const nothing = Buffer.alloc(0)
