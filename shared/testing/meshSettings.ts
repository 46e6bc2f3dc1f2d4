/** The settings of servers and clients of the mesh that live for one test. */
import * as Duration from "effect/Duration"
import type * as Redacted from "effect/Redacted"
import type { MeshIdentity } from "../rpc/MeshIdentity.ts"
import type { ServerConfig } from "../rpc/ServerConfig.ts"

/** Free ports of this machine, limits that a test can reach, and an end that nobody waits for. */
export const serverConfig: ServerConfig = {
  host: "127.0.0.1",
  httpPort: 0,
  grpcPort: 0,
  maxBodyBytes: 64 * 1024,
  maxMessageBytes: 4 * 1024 * 1024,
  maxConnections: 1000,
  admission: { running: 64, waiting: 64, waitMs: 500 },
  drainDelay: Duration.zero,
  shutdownGrace: Duration.seconds(5),
}

/** The identity of programs that know one another by a key. */
export const keyed = (...keys: ReadonlyArray<Redacted.Redacted<string>>): MeshIdentity => ({
  keys,
  certificateFiles: undefined,
  open: false,
})
