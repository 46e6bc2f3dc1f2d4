/** The stack's mesh, for a tool that calls its programs as one of them. */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { meshIdentity } from "#shared/rpc/MeshIdentity.ts"

/** What such a tool needs of the file of secrets. */
export const MeshSecrets = Schema.Struct({ INTERNAL_GRPC_API_KEY: Schema.String })

/** How the stack's programs know one another, read from their secrets as they read it themselves. */
export const meshOf = (secrets: typeof MeshSecrets.Type) =>
  Effect.provideService(meshIdentity, ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(secrets))
