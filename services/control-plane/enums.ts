/** Between words of ours and enums of the contract. */
import * as Option from "effect/Option"
import * as Record from "effect/Record"

export interface EnumWords<Word extends string, Value extends number> {
  readonly toProto: (word: Word) => Value
  /** None for "unspecified" and for values that we do not know. */
  readonly fromProto: (value: number) => Option.Option<Word>
  /** The word of a value that validation has let through; any other is a defect. */
  readonly fromValid: (value: number) => Word
}

/** The two directions of a table that names every word once. */
export const enumWords = <Word extends string, Value extends number>(
  table: Readonly<globalThis.Record<Word, Value>>,
): EnumWords<Word, Value> => {
  const words = new Map<number, Word>(Record.toEntries(table).map(([word, value]) => [value, word]))
  return {
    toProto: (word) => table[word],
    fromProto: (value) => Option.fromUndefinedOr(words.get(value)),
    fromValid: (value) => {
      const word = words.get(value)
      if (word === undefined) throw new RangeError(`no value of the contract: ${value}`)
      return word
    },
  }
}
