/** The settings that every server of the mesh has. */
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import type { AdmissionLimits } from "./AdmissionGate.ts"

export interface ServerConfig {
  /** The address to listen on; 0.0.0.0 where unset. */
  readonly host: string
  /** The outside face: REST, Connect and gRPC-Web over HTTP/1.1. */
  readonly httpPort: number
  /** The mesh face: gRPC, and health and metrics over HTTP/1.1. */
  readonly grpcPort: number
  /** The largest REST body. Bytes. */
  readonly maxBodyBytes: number
  /** The largest message. Bytes. */
  readonly maxMessageBytes: number
  /** How many connections each face has at the same time; the rest is refused at once. */
  readonly maxConnections: number
  /** How many calls run and wait at the same time; the rest is refused at once. */
  readonly admission: AdmissionLimits
  readonly shutdownGrace: Duration.Duration
  /** How long a server that is asked to stop goes on as before, only not ready, until nobody is sent to it any more. */
  readonly drainDelay: Duration.Duration
}

/**
 * Reads HTTP_PORT, SERVER_PORT, LISTEN_HOST, MAX_BODY_BYTES, MAX_MESSAGE_BYTES, MAX_CONNECTIONS, MAX_RUNNING_CALLS,
 * MAX_WAITING_CALLS, MAX_CALL_WAIT, DRAIN_DELAY and SHUTDOWN_GRACE.
 */
export const serverConfig = (defaults: { readonly http: number; readonly grpc: number }): Config.Config<ServerConfig> =>
  Config.all({
    host: Config.String("LISTEN_HOST").pipe(Config.withDefault("0.0.0.0")),
    httpPort: Config.Port("HTTP_PORT").pipe(Config.withDefault(defaults.http)),
    grpcPort: Config.Port("SERVER_PORT").pipe(Config.withDefault(defaults.grpc)),
    maxBodyBytes: Config.Int("MAX_BODY_BYTES").pipe(Config.withDefault(1024 * 1024)),
    maxMessageBytes: Config.Int("MAX_MESSAGE_BYTES").pipe(Config.withDefault(4 * 1024 * 1024)),
    maxConnections: Config.Int("MAX_CONNECTIONS").pipe(Config.withDefault(10_000)),
    admission: Config.all({
      running: Config.Int("MAX_RUNNING_CALLS").pipe(Config.withDefault(256)),
      waiting: Config.Int("MAX_WAITING_CALLS").pipe(Config.withDefault(256)),
      waitMs: Config.Duration("MAX_CALL_WAIT").pipe(
        Config.withDefault(Duration.seconds(1)),
        Config.map(Duration.toMillis),
      ),
    }),
    drainDelay: Config.Duration("DRAIN_DELAY").pipe(Config.withDefault(Duration.zero)),
    shutdownGrace: Config.Duration("SHUTDOWN_GRACE").pipe(Config.withDefault(Duration.seconds(30))),
  })

/** Reads TRUSTED_HOPS: programs of ours in front of the outside face, each of which appends to X-Forwarded-For. */
export const trustedHops: Config.Config<number> = Config.schema(
  Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 0, maximum: 16 })),
  "TRUSTED_HOPS",
).pipe(Config.withDefault(0))
