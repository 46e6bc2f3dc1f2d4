import * as Effect from "effect/Effect"
import { Nats } from "#shared/nats/Nats.ts"

/**
 * The newest message of a stream that has only this subject; fails as long as there is none. The stream is looked at
 * first: NATS 2.9 dies of being asked for a message of a stream that it is just making.
 */
export const lastMessage = (stream: string, subject: string) =>
  Effect.gen(function* () {
    const { use } = yield* Nats
    const { state } = yield* use(({ manager }) => manager.streams.info(stream))
    if (state.messages === 0) return yield* Effect.fail(`${stream} is empty`)
    return yield* use(({ manager }) => manager.streams.getMessage(stream, { last_by_subj: subject }))
  })
