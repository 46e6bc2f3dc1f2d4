/** The programs whose events are looked at: those of the running stack, or one by its address. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { DeadLetterService } from "#gen/authsome/mesh/v1/dead_letter_pb.ts"
import { EventBacklogService } from "#gen/authsome/mesh/v1/event_backlog_pb.ts"
import * as Client from "#shared/rpc/client/Client.ts"
import * as MeshChannel from "#shared/rpc/client/MeshChannel.ts"
import { type MeshIdentity, meshIdentityIfAny } from "#shared/rpc/MeshIdentity.ts"
import type { PublicError } from "#shared/rpc/PublicError.ts"
import { configSentence } from "#shared/runtime/configSentence.ts"
import { stackConfig } from "../Config.ts"
import { MeshSecrets, meshOf } from "../meshOf.ts"
import { StackState, stateFile } from "../Stack.ts"

/** Something could not be done; says what, and perhaps what to do. */
export class NotDone extends Data.TaggedError("NotDone")<{ readonly message: string }> {}

/** The programs of the stack that have events of their own. */
const services = {
  "control-plane": ({ services }: StackState) => services.controlPlane,
  provisioner: ({ services }: StackState) => services.provisioner,
  identity: ({ services }: StackState) => services.identity,
  billing: ({ services }: StackState) => services.billing,
}

export type Service = keyof typeof services
export const serviceNames = [
  "control-plane",
  "provisioner",
  "identity",
  "billing",
] as const satisfies ReadonlyArray<Service>

export interface Program {
  readonly name: string
  readonly letters: Client.Client<typeof DeadLetterService>
  readonly backlog: Client.Client<typeof EventBacklogService>
}

export interface Place {
  readonly url: Option.Option<string>
  readonly key: Option.Option<Redacted.Redacted<string>>
  readonly service: Option.Option<Service>
}

const decodeState = Schema.decodeUnknownEffect(Schema.fromJsonString(StackState))
const decodeSecrets = Schema.decodeUnknownEffect(Schema.fromJsonString(MeshSecrets))

/** Under this name the contract lets somebody change what happens to events. */
const peer = "operator"

const programAt = Effect.fnUntraced(function* (name: string, url: URL, identity: MeshIdentity) {
  const channel = yield* MeshChannel.make({ url, peer, identity })
  const program: Program = {
    name,
    letters: Client.make(DeadLetterService, channel),
    backlog: Client.make(EventBacklogService, channel),
  }
  return program
})

const ofStack = Effect.fnUntraced(function* (service: Place["service"]) {
  const files = yield* FileSystem.FileSystem
  const { dir } = yield* stackConfig
  const state = yield* Effect.flatMap(files.readFileString(stateFile(dir)), decodeState).pipe(
    Effect.mapError(
      () => new NotDone({ message: `no stack runs in ${dir}; start one with npm start, or give --url and --key` }),
    ),
  )
  const identity = yield* files.readFileString(state.secretsFile).pipe(
    Effect.flatMap(decodeSecrets),
    Effect.flatMap(meshOf),
    Effect.mapError(() => new NotDone({ message: `${state.secretsFile} cannot be read` })),
  )
  const names = serviceNames.filter((name) => Option.isNone(service) || service.value === name)
  return yield* Effect.forEach(names, (name) => programAt(name, new URL(services[name](state).grpc), identity))
})

/** What is shown to a program elsewhere: the key that was given, and what the environment has. */
const identityFor = Effect.fnUntraced(function* (key: Place["key"]) {
  const found = yield* Effect.catch(meshIdentityIfAny, (error) =>
    Effect.flatMap(configSentence(error), (message) => Effect.fail(new NotDone({ message }))),
  )
  const identity = { ...found, keys: Option.match(key, { onNone: () => found.keys, onSome: (given) => [given] }) }
  if (identity.keys.length === 0 && identity.certificateFiles === undefined && !identity.open) {
    yield* new NotDone({ message: "--url needs --key, INTERNAL_GRPC_API_KEY, or the certificate of MESH_CERT_FILE" })
  }
  return identity
})

/** The programs to ask, for as long as the scope lives. */
export const programs = Effect.fnUntraced(function* ({ url, key, service }: Place) {
  if (Option.isNone(url)) return yield* ofStack(service)
  if (!URL.canParse(url.value)) return yield* new NotDone({ message: "--url is none, such as http://127.0.0.1:9080" })
  const target = new URL(url.value)
  return [
    yield* programAt(
      Option.getOrElse(service, () => (target.host === "" ? target.pathname.slice(1) : target.host)),
      target,
      yield* identityFor(key),
    ),
  ]
})

export interface Answers<A> {
  readonly answers: ReadonlyArray<{ readonly program: string; readonly answer: A }>
  /** Fails if a program did not answer, after what the others said has been shown. */
  readonly complete: Effect.Effect<void, NotDone>
}

/** Asks all programs; one that does not answer keeps nobody else's answer back. */
export const askAll = Effect.fnUntraced(function* <A>(
  asked: ReadonlyArray<Program>,
  ask: (program: Program) => Effect.Effect<A, PublicError>,
): Effect.fn.Return<Answers<A>> {
  const failures: Array<string> = []
  const answers = yield* Effect.forEach(
    asked,
    (program) =>
      ask(program).pipe(
        Effect.map((answer) => [{ program: program.name, answer }]),
        Effect.catch(({ reason, message }) => {
          failures.push(`${program.name}: ${reason}: ${message}`)
          return Effect.succeed([])
        }),
      ),
    { concurrency: "unbounded" },
  )
  const complete = Effect.suspend(() =>
    failures.length === 0 ? Effect.void : Effect.fail(new NotDone({ message: failures.sort().join("\n") })),
  )
  return { answers: answers.flat(), complete }
})
