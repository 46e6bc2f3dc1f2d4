/** The five programs as processes, over servers of a test's own, for what is between them. */
import { generateKeyPairSync } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type { CertificateFiles } from "#shared/rpc/Certificates.ts"
import { freePorts } from "#shared/servers/Ports.ts"
import { isOk } from "#shared/servers/probe.ts"
import { launch, readyWhen } from "#shared/servers/ServerProcess.ts"
import { Backing, temporaryFolder } from "#shared/testing/Backing.ts"
import { TestDatabase } from "#shared/testing/TestDatabase.ts"
import { TestRedis } from "#shared/testing/TestRedis.ts"
import { TestNats } from "#shared/testing/TestServers.ts"

export const services = join(import.meta.dirname, "..", "..", "services")

/** Every program, and the folder of its migrations. */
const programs = {
  billing: "billing",
  "control-plane": "control",
  identity: "identity",
  provisioner: "provisioner",
  proxy: undefined,
} as const

export type Program = keyof typeof programs
export const everyProgram = ["billing", "control-plane", "identity", "provisioner", "proxy"] as const satisfies [
  Program,
  ...ReadonlyArray<Program>,
]

/** Variables that replace the usual ones; undefined takes one away. */
export type Changes = Readonly<Record<string, string | undefined>>

const { privateKey, publicKey } = generateKeyPairSync("ed25519")
const signingKey = { ...privateKey.export({ format: "jwk" }), kid: "test-1" }
const SEALING_KEYS = `test:${Buffer.alloc(32, 7).toString("base64")}`
const nobody = "https://localhost:9"

/** What each must be told, but its ports, its servers, and how it knows the others. */
const own: Readonly<Record<Program, Readonly<Record<string, string>>>> = {
  billing: {},
  "control-plane": {
    SEALING_KEYS,
    TOKEN_SIGNING_KEYS: JSON.stringify({ keys: [signingKey] }),
    API_BASE_URL: "http://proxy.test",
    DASHBOARD_URL: "http://dashboard.test",
    BILLING_GRPC_URL: nobody,
  },
  identity: { SEALING_KEYS, IDENTITY_ROLE: "nova" },
  provisioner: {
    SEALING_KEYS,
    CLUSTER: "local",
    KEY_IDENTITY_PUBLIC_KEY: publicKey.export({ format: "der", type: "spki" }).toString("base64"),
    LOCAL_REDIS_SERVER: "redis-server",
  },
  proxy: {
    SEALING_KEYS,
    CONTROL_PLANE_GRPC_URL: nobody,
    KEY_IDENTITY_PRIVATE_KEY: privateKey.export({ format: "der", type: "pkcs8" }).toString("base64"),
  },
}

export class Programs extends Context.Service<
  Programs,
  {
    /** Where the program's database is, and everything else that a program may need. */
    readonly serversOf: (program: Program) => Readonly<Record<string, string>>
  }
>()("test/mesh/Programs") {
  static readonly layer = Layer.effect(
    Programs,
    Effect.gen(function* () {
      const backing = yield* Backing
      const databases = new Map<Program, string>()
      for (const program of everyProgram) {
        const folder = programs[program]
        if (folder === undefined) continue
        const database = yield* Layer.build(Layer.fresh(TestDatabase.migrated(folder)))
        databases.set(program, Redacted.value(Context.get(database, TestDatabase).url))
      }
      const servers = {
        NATS_URL: Redacted.value((yield* TestNats).url),
        REDIS_URL: Redacted.value((yield* TestRedis).url),
        SMTP_URL: backing.smtp,
        TENANT_POSTGRES_URL: backing.postgres,
      }
      return { serversOf: (program) => ({ ...servers, DATABASE_URL: databases.get(program) ?? backing.postgres }) }
    }),
  ).pipe(Layer.provide([Backing.layer, TestNats.layer, TestRedis.layer]))
}

/** Starts a program; it goes, at the latest, with the scope. */
export const start = Effect.fnUntraced(function* (program: Program, changes: Changes) {
  const folder = yield* temporaryFolder
  const { serversOf } = yield* Programs
  const [http = 0, mesh = 0] = yield* freePorts(2)
  const variables: Changes = {
    ...serversOf(program),
    ...own[program],
    ...{ LISTEN_HOST: "127.0.0.1", HTTP_PORT: String(http), SERVER_PORT: String(mesh), SHUTDOWN_GRACE: "2 seconds" },
    LOCAL_INSTANCES_DIR: join(folder, "instances"),
    ...changes,
  }
  const log = join(folder, `${program}.log`)
  const running = yield* launch({
    server: program,
    command: process.execPath,
    args: [join(services, program, "main.ts")],
    env: Object.fromEntries(
      Object.entries(variables).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
    ),
    cwd: folder,
    log,
    record: join(folder, `${program}.pid.json`),
  })
  return {
    ended: running.ended,
    http: `http://127.0.0.1:${http}`,
    /** The port of its mesh face, in either way of speaking. */
    mesh: { cleartext: new URL(`http://localhost:${mesh}`), encrypted: new URL(`https://localhost:${mesh}`) },
    // The mesh face may let in only who has a certificate; the outside face always says how the program is.
    ready: readyWhen(running, isOk(`http://127.0.0.1:${http}/ready`)),
    /** All that it has written. */
    output: Effect.sync(() => readFileSync(log, "utf8")),
  }
}, Effect.provide(NodeFileSystem.layer))

/** How a program is told of its certificate. */
export const certified = ({ cert, key, ca }: CertificateFiles) => ({
  MESH_CERT_FILE: cert,
  MESH_KEY_FILE: key,
  MESH_CA_FILE: ca,
})
