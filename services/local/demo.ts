/** `npm run demo`: tells the story against the running stack, or against one of its own that ends with it. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Cause from "effect/Cause"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { stackConfig } from "./Config.ts"
import { MeshSecrets, meshOf } from "./meshOf.ts"
import { tell } from "./progress.ts"
import * as Stack from "./Stack.ts"
import { type Setting, tellStory } from "./story.ts"

const usage = `npm run demo: shows the whole path, step by step, and exits with 0 if every step was true.

Uses the stack that runs in STACK_DIR (.local), else starts one of its own on free ports in a temporary folder.`

const decodeState = Schema.decodeUnknownEffect(Schema.fromJsonString(Stack.StackState))
const decodeSecrets = Schema.decodeUnknownEffect(
  Schema.fromJsonString(Schema.Struct({ ...MeshSecrets.fields, INTERNAL_API_KEY: Schema.String })),
)

/** The stack that runs in the folder; fails where none does. */
const running = Effect.gen(function* () {
  const files = yield* FileSystem.FileSystem
  const { dir } = yield* stackConfig
  const state = yield* Effect.flatMap(files.readFileString(Stack.stateFile(dir)), decodeState)
  yield* tell(`Using the stack in ${dir}.`)
  return state
})

const ownStack = Effect.gen(function* () {
  const files = yield* FileSystem.FileSystem
  const dir = yield* files.makeTempDirectoryScoped({ prefix: "authsome-demo-" })
  yield* tell("No stack is running here; starting one of our own.")
  const config = yield* Effect.provideService(
    stackConfig,
    ConfigProvider.ConfigProvider,
    ConfigProvider.fromUnknown({ STACK_DIR: dir, PORTS: "auto" }),
  )
  const { state } = yield* Stack.start({ ...config, durable: false })
  return state
})

const settingOf = Effect.fnUntraced(function* ({ services, secretsFile }: Stack.StackState) {
  const files = yield* FileSystem.FileSystem
  const secrets = yield* Effect.flatMap(files.readFileString(secretsFile), decodeSecrets)
  return {
    controlPlane: services.controlPlane.http,
    provisionerGrpc: services.provisioner.grpc,
    identityHttp: services.identity.http,
    identityGrpc: services.identity.grpc,
    internalKey: Redacted.make(secrets.INTERNAL_API_KEY),
    mesh: yield* meshOf(secrets),
  } satisfies Setting
})

const demo = Effect.gen(function* () {
  const state = yield* Effect.catch(running, () => ownStack)
  yield* tellStory(yield* settingOf(state))
  yield* tell("Every step was true.")
}).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer))

const main = process.argv.includes("--help") ? Console.log(usage) : demo
Effect.runPromiseExit(main).then((exit) => {
  if (exit._tag === "Failure") process.stderr.write(`✗ ${Cause.pretty(exit.cause)}\n`)
  process.exit(exit._tag === "Success" ? 0 : 1)
})
