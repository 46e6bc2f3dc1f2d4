/** What is left of a person who is erased. */
import type * as DateTime from "effect/DateTime"

export interface Erasure {
  /** The same in every repeat. */
  readonly erasedAt: DateTime.Utc
  /** What stands in the security events for the person, made of nothing; undefined: they were erased before. */
  readonly pseudonym: string | undefined
}
