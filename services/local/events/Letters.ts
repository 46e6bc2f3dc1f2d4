/** Dead letters over all programs that are asked: found, sent once more, or forgotten. */
import * as Effect from "effect/Effect"
import type { DeadLetter } from "#gen/authsome/mesh/v1/dead_letter_pb.ts"
import type { PublicError } from "#shared/rpc/PublicError.ts"
import { askAll, NotDone, type Program } from "./Programs.ts"

/** Which letters; what is undefined does not matter. */
export interface Filter {
  readonly consumer?: string
  readonly subject?: string
  readonly messageId?: string
}

/** More than anybody reads. */
const most = 5000
const pageSize = 500

/** The letters of one program, the last given up first. */
const lettersOf = (filter: Filter) =>
  Effect.fnUntraced(function* ({ letters }: Program): Effect.fn.Return<ReadonlyArray<DeadLetter>, PublicError> {
    const found: Array<DeadLetter> = []
    let pageToken = ""
    do {
      const page = yield* letters.listDeadLetters({ ...filter, pageSize, pageToken })
      found.push(...page.deadLetters)
      pageToken = page.nextPageToken
    } while (pageToken !== "" && found.length < most)
    return found
  })

/** The letters of all programs. */
export const find = (asked: ReadonlyArray<Program>, filter: Filter) => askAll(asked, lettersOf(filter))

/** A letter and the program that has it. */
export interface Located {
  readonly program: Program
  readonly letter: DeadLetter
}

const locatedIn = (filter: Filter) => (program: Program) =>
  Effect.map(
    lettersOf(filter)(program),
    (letters): ReadonlyArray<Located> => letters.map((letter) => ({ program, letter })),
  )

/** Each of these messages, wherever it lies; fails where one lies nowhere, or a program cannot be asked. */
export const locate = Effect.fnUntraced(function* (
  asked: ReadonlyArray<Program>,
  messages: ReadonlyArray<string>,
  filter: Filter,
): Effect.fn.Return<ReadonlyArray<Located>, NotDone> {
  const located = yield* Effect.forEach(messages, (messageId) =>
    Effect.gen(function* () {
      const { answers, complete } = yield* askAll(asked, locatedIn({ ...filter, messageId }))
      const found = answers.flatMap(({ answer }) => answer)
      if (found.length === 0) yield* complete
      if (found.length === 0) return yield* new NotDone({ message: `there is no dead letter ${messageId}` })
      return found
    }),
  )
  return located.flat()
})

export interface Outcome {
  readonly done: number
  readonly left: number
}

const said = (program: Program) =>
  Effect.mapError(
    ({ reason, message }: PublicError) => new NotDone({ message: `${program.name}: ${reason}: ${message}` }),
  )

/** Replays these letters. */
export const replay = (letters: ReadonlyArray<Located>): Effect.Effect<Outcome, NotDone> =>
  Effect.forEach(letters, ({ program, letter: { consumer, messageId } }) =>
    said(program)(program.letters.replayDeadLetter({ consumer, messageId })),
  ).pipe(Effect.as({ done: letters.length, left: 0 }))

/** Forgets these letters. */
export const dismiss = (letters: ReadonlyArray<Located>): Effect.Effect<Outcome, NotDone> =>
  Effect.forEach(letters, ({ program, letter: { consumer, messageId } }) =>
    said(program)(program.letters.dismissDeadLetter({ consumer, messageId })),
  ).pipe(Effect.as({ done: letters.length, left: 0 }))

/** What became of all letters, and whether all programs were asked. */
export type Sweep = (
  asked: ReadonlyArray<Program>,
  filter: Filter,
) => Effect.Effect<{ readonly outcome: Outcome; readonly complete: Effect.Effect<void, NotDone> }, NotDone>

/** A program's letters, a thousand at a time, until none are left or none can be replayed. */
const replayAllOf = (filter: Filter) =>
  Effect.fnUntraced(function* ({ letters }: Program): Effect.fn.Return<Outcome, PublicError> {
    let [done, left, last] = [0, 0, 0]
    do {
      const answer = yield* letters.replayDeadLetters(filter)
      last = answer.replayed
      done += last
      left = answer.left
    } while (last > 0 && left > 0)
    return { done, left }
  })

export const replayAll: Sweep = Effect.fnUntraced(function* (asked, filter) {
  const { answers, complete } = yield* askAll(asked, replayAllOf(filter))
  const sum = (of: keyof Outcome) => answers.reduce((total, { answer }) => total + answer[of], 0)
  return { outcome: { done: sum("done"), left: sum("left") }, complete }
})

export const dismissAll: Sweep = Effect.fnUntraced(function* (asked, filter) {
  const { answers, complete } = yield* askAll(asked, locatedIn(filter))
  return { outcome: yield* dismiss(answers.flatMap(({ answer }) => answer)), complete }
})
