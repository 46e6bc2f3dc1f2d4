import { spawn } from "node:child_process"
import { generateKeyPairSync } from "node:crypto"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { create, fromBinary, toBinary } from "@bufbuild/protobuf"
import { timestampFromMs } from "@bufbuild/protobuf/wkt"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { Environment } from "#gen/authsome/control/v1/application_pb.ts"
import { InstanceState } from "#gen/authsome/control/v1/desired_state_pb.ts"
import { DeprovisionRequestedSchema, ProvisionRequestedSchema } from "#gen/authsome/control/v1/events_pb.ts"
import { Plan } from "#gen/authsome/control/v1/workspace_pb.ts"
import { ApplicationStatus, ApplicationStatusChangedSchema } from "#gen/authsome/provisioner/v1/events_pb.ts"
import { ProvisioningService, ProvisioningState } from "#gen/authsome/provisioner/v1/provisioning_pb.ts"
import { eventContract } from "#shared/events/EventContract.ts"
import { newId } from "#shared/ids/Id.ts"
import { Nats } from "#shared/nats/Nats.ts"
import { makeNatsConsumer } from "#shared/nats/NatsConsumer.ts"
import * as Channel from "#shared/rpc/client/Channel.ts"
import * as Client from "#shared/rpc/client/Client.ts"
import { Readiness } from "#shared/runtime/Readiness.ts"
import { freePorts } from "#shared/servers/Ports.ts"
import { isOk } from "#shared/servers/probe.ts"
import { Backing } from "#shared/testing/Backing.ts"
import { eventually } from "#shared/testing/eventually.ts"
import { TestDatabase } from "#shared/testing/TestDatabase.ts"
import { TestNats } from "#shared/testing/TestServers.ts"
import { type ApplicationId, suffixOf } from "./applications/Application.ts"
import { LocalPlace, newApplicationId } from "./fixtures/LocalPlace.ts"
import { processes, traces } from "./fixtures/WorldStore.ts"

const meshKey = "the-key-of-the-mesh-in-this-test"
const workspaceId = `ws_${"a".repeat(26)}`
const publicKey = generateKeyPairSync("ed25519").publicKey.export({ format: "der", type: "spki" }).toString("base64")

const world = Layer.mergeAll(
  LocalPlace.layer,
  Layer.unwrap(Effect.map(TestNats, ({ url }) => Nats.layer({ url, name: "test" }))).pipe(
    Layer.provide(Readiness.layer),
  ),
).pipe(Layer.provideMerge(Layer.mergeAll(TestDatabase.sql("provisioner"), TestNats.layer, Backing.layer)))

/** Everything that the program must be told. */
const environment = Effect.gen(function* () {
  const { folder, redis } = yield* LocalPlace
  const { url, adminUrl } = yield* TestDatabase
  const [http = 0, grpc = 0] = yield* freePorts(2)
  const all: Record<string, string> = {
    HTTP_PORT: String(http),
    SERVER_PORT: String(grpc),
    LISTEN_HOST: "127.0.0.1",
    DATABASE_URL: Redacted.value(url),
    TENANT_POSTGRES_URL: Redacted.value(adminUrl),
    NATS_URL: Redacted.value((yield* TestNats).url),
    SMTP_URL: (yield* Backing).smtp,
    INTERNAL_GRPC_API_KEY: meshKey,
    SEALING_KEYS: `test:${Buffer.alloc(32, 1).toString("base64")}`,
    KEY_IDENTITY_PUBLIC_KEY: publicKey,
    CLUSTER: "local",
    LOCAL_INSTANCES_DIR: folder,
    LOCAL_REDIS_SERVER: redis.command,
    SHUTDOWN_GRACE: "10 seconds",
    ...Option.match(redis.libraryPath, {
      onNone: () => ({}),
      onSome: (path) => ({ LOCAL_REDIS_LIBRARY_PATH: path }),
    }),
  }
  return all
})

/** The program as a process; killed with the scope. */
const program = Effect.fnUntraced(function* (env: Readonly<Record<string, string>>) {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, [join(import.meta.dirname, "main.ts")], { env, stdio: ["ignore", "pipe", "pipe"] }),
    ),
    (started) => Effect.sync(() => started.kill("SIGKILL")),
  )
  const ended = yield* Deferred.make<number | NodeJS.Signals | null>()
  const output = { log: "", errors: "" }
  child.stdout.on("data", (chunk) => {
    output.log += chunk
  })
  child.stderr.on("data", (chunk) => {
    output.errors += chunk
  })
  child.once("close", (code, signal) => Deferred.doneUnsafe(ended, Effect.succeed(signal ?? code)))
  return {
    output,
    ended: Deferred.await(ended),
    end: (signal: NodeJS.Signals) =>
      Effect.andThen(
        Effect.sync(() => child.kill(signal)),
        Deferred.await(ended),
      ),
  }
})

/** The program, once it is ready. */
const provisioner = Effect.fnUntraced(function* (env: Readonly<Record<string, string>>) {
  const started = yield* program(env)
  const ready = isOk(`http://127.0.0.1:${env["SERVER_PORT"]}/ready`)
  yield* eventually(
    Effect.flatMap(ready, (is) => (is ? Effect.void : Effect.fail(started.output))),
    "20 seconds",
  )
  const channel = yield* Channel.make({
    url: new URL(`http://127.0.0.1:${env["SERVER_PORT"]}`),
    peer: "control-plane",
    internalKey: Redacted.make(meshKey),
  })
  return { ...started, client: Client.make(ProvisioningService, channel) }
})

const request = Effect.fnUntraced(function* (applicationId: ApplicationId) {
  const nats = yield* Nats
  const stream = eventContract(ProvisionRequestedSchema)
  const message = create(ProvisionRequestedSchema, {
    desired: {
      applicationId,
      workspaceId,
      generation: 1n,
      name: "An application",
      environment: Environment.PRODUCTION,
      region: "local",
      plan: Plan.FREE,
      resources: { cpuLimit: "1000m", memoryLimit: "2Gi", storageLimit: "10Gi", replicas: 2 },
      maxReplicas: 10,
      instanceState: InstanceState.RUNNING,
    },
    occurredAt: timestampFromMs(0),
  })
  const id = yield* newId("evt")
  yield* eventually(nats.ensureStream(stream))
  yield* nats.publish(stream.subject, toBinary(ProvisionRequestedSchema, message), { id, stream: stream.name })
})

const requestRemoval = Effect.fnUntraced(function* (applicationId: ApplicationId) {
  const nats = yield* Nats
  const stream = eventContract(DeprovisionRequestedSchema)
  const message = create(DeprovisionRequestedSchema, {
    applicationId,
    workspaceId,
    generation: 2n,
    occurredAt: timestampFromMs(0),
  })
  const id = yield* newId("evt")
  yield* eventually(nats.ensureStream(stream))
  yield* nats.publish(stream.subject, toBinary(DeprovisionRequestedSchema, message), { id, stream: stream.name })
})

/** The next word to the control plane. */
const news = Effect.gen(function* () {
  const consumer = yield* makeNatsConsumer({
    stream: eventContract(ApplicationStatusChangedSchema),
    durable: "test",
    ackWait: Duration.seconds(30),
  })
  return Effect.flatMap(consumer.next, ({ payload, ack }) =>
    Effect.as(ack, fromBinary(ApplicationStatusChangedSchema, payload)),
  )
})

describe("the provisioner", () => {
  it.live("makes the real instance of an application that the control plane asks for, and removes it", () =>
    Effect.gen(function* () {
      const env = yield* environment
      const { client, end, output } = yield* provisioner(env)
      const next = yield* news
      const id = yield* newApplicationId
      yield* request(id)
      const pictures = yield* Stream.runCollect(client.watchProvisioning({ applicationId: id }))
      const last = pictures.at(-1)?.provisioning
      assert.strictEqual(
        last?.state,
        ProvisioningState.DONE,
        last?.steps.map(({ name, error }) => `${name}: ${error}`).join(),
      )
      const active = yield* next
      assert.deepInclude(active, {
        applicationId: id,
        status: ApplicationStatus.ACTIVE,
        generation: 1n,
        instanceUrl: last?.instanceUrl ?? "",
        attempts: 1,
      })
      assert.isTrue(yield* isOk(`${active.instanceUrl}/health`))
      assert.deepStrictEqual(yield* processes(id), ["identity", "redis"])

      yield* requestRemoval(id)
      assert.strictEqual((yield* next).status, ApplicationStatus.DELETING)
      assert.deepInclude(yield* next, { status: ApplicationStatus.DELETED, generation: 2n })
      const nothing = { database: false, role: false, folder: false, target: false, processes: [] }
      assert.deepStrictEqual(yield* traces(id), nothing)

      assert.strictEqual(yield* end("SIGTERM"), 0, output.errors)
      assert.notMatch(output.log, /"level":"(error|fatal)"/)
      assert.notInclude(output.log, meshKey)
    }).pipe(Effect.scoped, Effect.provide(world)),
  )

  it.live("adopts what it left when it was killed, and takes its instances with it when it stops in order", () =>
    Effect.gen(function* () {
      const env = yield* environment
      const first = yield* provisioner(env)
      const id = yield* newApplicationId
      yield* request(id)
      yield* Stream.runDrain(first.client.watchProvisioning({ applicationId: id }))
      yield* first.end("SIGKILL")
      assert.deepStrictEqual(yield* processes(id), ["identity", "redis"])

      const second = yield* provisioner(env)
      yield* Stream.runDrain(second.client.watchProvisioning({ applicationId: id }))
      assert.deepStrictEqual(yield* processes(id), ["identity", "redis"])
      assert.strictEqual(yield* second.end("SIGTERM"), 0, second.output.errors)
      assert.deepStrictEqual(yield* processes(id), [])
      assert.isTrue(existsSync(join(env["LOCAL_INSTANCES_DIR"] ?? "", suffixOf(id))))

      const third = yield* provisioner(env)
      yield* eventually(
        Effect.flatMap(processes(id), (running) => (running.length === 2 ? Effect.void : Effect.fail(running))),
        "20 seconds",
      )
      assert.strictEqual(yield* third.end("SIGTERM"), 0, third.output.errors)
    }).pipe(Effect.scoped, Effect.provide(world)),
  )

  it.live("does not start with what it was told wrong, and says what that is", () =>
    Effect.gen(function* () {
      const env = yield* environment
      const wrong = [
        ["CLUSTER", "kubernetes", 'CLUSTER is malformed: expected "local"'],
        ["TENANT_POSTGRES_URL", "mysql://root:hunter2@db/x", "TENANT_POSTGRES_URL is malformed: expected a URL"],
        ["KEY_IDENTITY_PUBLIC_KEY", "", "KEY_IDENTITY_PUBLIC_KEY is missing"],
      ] as const
      for (const [name, value, sentence] of wrong) {
        const { ended, output } = yield* program({ ...env, [name]: value })
        assert.strictEqual(yield* ended, 1)
        assert.isTrue(output.errors.startsWith(`provisioner cannot start: ${sentence}`), output.errors)
        assert.strictEqual(output.errors.split("\n").length, 2)
      }
    }).pipe(Effect.scoped, Effect.provide(world)),
  )
})
