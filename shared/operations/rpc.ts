/** authsome.mesh.v1.DeadLetterService and EventBacklogService: message in, use case, message out. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { DeadLetterService } from "#gen/authsome/mesh/v1/dead_letter_pb.ts"
import { EventBacklogService } from "#gen/authsome/mesh/v1/event_backlog_pb.ts"
import { DeadLetters } from "../events/DeadLetters.ts"
import { EventBacklog } from "../events/EventBacklog.ts"
import * as Handlers from "../rpc/Handlers.ts"
import { NotFound, Unavailable } from "../rpc/PublicError.ts"
import { cursorOf, tokenOf } from "./pageToken.ts"
import { fromBacklog, fromHead, fromOpened } from "./proto.ts"

const defaultPageSize = 100
const mostReplays = 1000

const unknown = new NotFound({ reason: "NOT_FOUND", message: "there is no such dead letter" })
const gone = new NotFound({
  reason: "NOT_FOUND",
  message: "no consumer of that name takes that subject in this program; its letters can only be dismissed",
})
const databaseAway = new Unavailable({ reason: "UNAVAILABLE", message: "the database is away for now" })
const queueAway = new Unavailable({
  reason: "UNAVAILABLE",
  message: "NATS is away, or its stream is full; the letter is kept",
})

const refusals = {
  DeadLetterNotFound: () => Effect.fail(unknown),
  ConsumerGone: () => Effect.fail(gone),
  NatsUnavailable: () => Effect.fail(queueAway),
  SqlError: () => Effect.fail(databaseAway),
}

const deadLetters = Handlers.layer(
  DeadLetterService,
  Effect.gen(function* () {
    const letters = yield* DeadLetters
    return {
      listDeadLetters: Effect.fnUntraced(
        function* ({ pageToken, pageSize, ...filter }) {
          const limit = pageSize === 0 ? defaultPageSize : pageSize
          const page = yield* letters.list(filter, yield* cursorOf(pageToken), limit)
          return {
            deadLetters: page.letters.map(fromHead),
            nextPageToken: Option.match(page.next, { onNone: () => "", onSome: tokenOf }),
          }
        },
        Effect.catchTag("SqlError", refusals.SqlError),
      ),
      getDeadLetter: Effect.fnUntraced(
        function* (key) {
          return { deadLetter: fromOpened(yield* letters.open(key)) }
        },
        Effect.catchTags({ DeadLetterNotFound: refusals.DeadLetterNotFound, SqlError: refusals.SqlError }),
      ),
      replayDeadLetter: Effect.fnUntraced(function* (key) {
        yield* letters.replay(key)
        return {}
      }, Effect.catchTags(refusals)),
      replayDeadLetters: Effect.fnUntraced(
        function* ({ limit, ...filter }) {
          return yield* letters.replayAll(filter, limit === 0 ? mostReplays : limit)
        },
        Effect.catchTags({ NatsUnavailable: refusals.NatsUnavailable, SqlError: refusals.SqlError }),
      ),
      dismissDeadLetter: Effect.fnUntraced(
        function* (key) {
          return (yield* letters.dismiss(key)) ? {} : yield* Effect.fail(unknown)
        },
        Effect.catchTag("SqlError", refusals.SqlError),
      ),
    }
  }),
)

const backlog = Handlers.layer(
  EventBacklogService,
  Effect.map(EventBacklog, ({ read }) => ({
    getEventBacklog: () => read.pipe(Effect.map(fromBacklog), Effect.catchTag("SqlError", refusals.SqlError)),
  })),
)

/**
 * What every program that has events offers its operators, beside its own rpcs. Needs what `Inbox.layer` makes, of which
 * the program's consumers must have the same.
 */
export const layer = Layer.merge(deadLetters, backlog).pipe(Layer.provide([DeadLetters.layer, EventBacklog.layer]))
