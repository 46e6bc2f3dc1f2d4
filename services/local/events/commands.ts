/** `npm run events -- list | show | replay | dismiss | lag`: what becomes of events, for operators. */
import { toJson } from "@bufbuild/protobuf"
import * as Console from "effect/Console"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { DeadLetterSchema } from "#gen/authsome/mesh/v1/dead_letter_pb.ts"
import { GetEventBacklogResponseSchema } from "#gen/authsome/mesh/v1/event_backlog_pb.ts"
import { Misused } from "#shared/runtime/commandLine.ts"
import {
  dismiss,
  dismissAll,
  type Filter,
  find,
  type Located,
  locate,
  type Outcome,
  replay,
  replayAll,
  type Sweep,
} from "./Letters.ts"
import { askAll, NotDone, programs, serviceNames } from "./Programs.ts"
import { lagTable, letterTable, letterText } from "./table.ts"

const text = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.optional)

const root = Command.make("events").pipe(
  Command.withDescription(
    "Looks after events that were given up, and shows how far behind the others are. Exits with 0 if all was done, 1 if something could not be, 2 if it was called wrongly.",
  ),
  Command.withSharedFlags({
    service: Flag.Literals("service", serviceNames).pipe(
      Flag.withDescription("Only this program of the running stack"),
      Flag.optional,
    ),
    consumer: text("consumer", "Only events of this consumer"),
    subject: text("subject", "Only events of this subject, such as app.provision"),
    json: Flag.Boolean("json").pipe(Flag.withDescription("Answer with JSON"), Flag.withDefault(false)),
    url: text("url", "The mesh port of a program elsewhere, such as http://127.0.0.1:9080"),
    key: Flag.Redacted("key").pipe(
      Flag.withDescription(
        "The internal key of that program; where not given, what the environment has for a program of its mesh",
      ),
      Flag.optional,
    ),
  }),
)

const filterOf = (options: {
  readonly consumer: Option.Option<string>
  readonly subject: Option.Option<string>
}): Filter => ({
  ...(Option.isSome(options.consumer) && { consumer: options.consumer.value }),
  ...(Option.isSome(options.subject) && { subject: options.subject.value }),
})

const printed = (value: unknown) => Console.log(JSON.stringify(value, undefined, 2))

/** As many as were done, and none without a word. */
const told = Effect.fnUntraced(function* (verb: string, { done, left }: Outcome, json: boolean) {
  yield* json ? printed({ done, left }) : Console.log(`${verb} ${done} ${done === 1 ? "event" : "events"}.`)
  if (left > 0) {
    return yield* new NotDone({
      message: `${left} are left: nobody handles them any more, or the queue does not take them`,
    })
  }
})

const list = Command.make(
  "list",
  {},
  Effect.fnUntraced(function* () {
    const options = yield* root
    const { answers, complete } = yield* find(yield* programs(options), filterOf(options))
    const letters = answers.flatMap(({ program, answer }) =>
      answer.map((letter) => ({ service: program, deadLetter: toJson(DeadLetterSchema, letter) })),
    )
    if (options.json) yield* printed(letters)
    else if (answers.length > 0) yield* Console.log(letterTable(answers))
    yield* complete
  }, Effect.scoped),
).pipe(Command.withDescription("Lists dead letters, the last given up first"))

const message = Argument.String("message").pipe(Argument.withDescription("The id of the event, such as evt_…"))

const show = Command.make(
  "show",
  { message },
  Effect.fnUntraced(function* (given) {
    const options = yield* root
    const located = yield* locate(yield* programs(options), [given.message], filterOf(options))
    const opened = yield* Effect.forEach(located, ({ program, letter: { consumer, messageId } }) =>
      program.letters.getDeadLetter({ consumer, messageId }).pipe(
        Effect.mapError((error) => new NotDone({ message: `${program.name}: ${error.reason}: ${error.message}` })),
        Effect.map(({ deadLetter }) =>
          deadLetter === undefined ? [] : [{ service: program.name, letter: deadLetter }],
        ),
      ),
    )
    const letters = opened.flat()
    yield* options.json
      ? printed(letters.map(({ service, letter }) => ({ service, deadLetter: toJson(DeadLetterSchema, letter) })))
      : Console.log(letters.map(({ service, letter }) => letterText(service, letter)).join("\n\n"))
  }, Effect.scoped),
).pipe(Command.withDescription("Shows a dead letter with its message and its reason"))

const chosen = {
  messages: Argument.String("message").pipe(
    Argument.withDescription("The ids of events, such as evt_…"),
    Argument.variadic(),
  ),
  all: Flag.Boolean("all").pipe(
    Flag.withDescription("All that --service, --consumer and --subject leave"),
    Flag.withDefault(false),
  ),
}

/** A command that changes what becomes of some events, or of all. */
const changing = <Name extends string>(
  name: Name,
  verb: string,
  some: (letters: ReadonlyArray<Located>) => Effect.Effect<Outcome, NotDone>,
  every: Sweep,
) =>
  Command.make(
    name,
    chosen,
    Effect.fnUntraced(function* ({ messages, all }) {
      if (all === messages.length > 0) yield* new Misused({ message: "give either the ids of events or --all" })
      const options = yield* root
      const asked = yield* programs(options)
      const filter = filterOf(options)
      if (!all) return yield* told(verb, yield* some(yield* locate(asked, messages, filter)), options.json)
      const { outcome, complete } = yield* every(asked, filter)
      yield* told(verb, outcome, options.json)
      yield* complete
    }, Effect.scoped),
  )

const replaying = changing("replay", "Replayed", replay, replayAll).pipe(
  Command.withDescription("Sends events once more to the consumers that gave them up"),
)

const dismissing = changing("dismiss", "Dismissed", dismiss, dismissAll).pipe(
  Command.withDescription("Forgets dead letters for ever"),
)

const lag = Command.make(
  "lag",
  {},
  Effect.fnUntraced(function* () {
    const options = yield* root
    const { consumer, subject } = filterOf(options)
    const { answers, complete } = yield* askAll(yield* programs(options), ({ backlog }) =>
      Effect.map(backlog.getEventBacklog({}), (answer) => ({
        ...answer,
        consumers: answer.consumers.filter(
          (each) => (consumer ?? each.consumer) === each.consumer && (subject ?? each.subject) === each.subject,
        ),
        deadLetters: answer.deadLetters.filter((each) => (consumer ?? each.consumer) === each.consumer),
      })),
    )
    if (options.json) {
      yield* printed(
        answers.map(({ program, answer }) => ({
          service: program,
          backlog: toJson(GetEventBacklogResponseSchema, answer),
        })),
      )
    } else if (answers.length > 0) yield* Console.log(lagTable(answers))
    yield* complete
  }, Effect.scoped),
).pipe(Command.withDescription("Shows what waits to be published and to be handled, and what was given up"))

export const events = root.pipe(Command.withSubcommands([list, show, replaying, dismissing, lag]))
