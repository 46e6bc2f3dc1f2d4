/** How the programs of a mesh know one another: by certificates, by a key that they share, or by both. */
import * as Config from "effect/Config"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as EnvConfig from "../runtime/EnvConfig.ts"
import type { CertificateFiles } from "./Certificates.ts"

export interface MeshIdentity {
  /** The key to show, and after it others that are taken too while one replaces the other. */
  readonly keys: ReadonlyArray<Redacted.Redacted<string>>
  readonly certificateFiles: CertificateFiles | undefined
  /** Nobody is asked for anything: said so explicitly, and warned of. */
  readonly open: boolean
}

const cert = Config.NonEmptyString("MESH_CERT_FILE")
const key = Config.NonEmptyString("MESH_KEY_FILE")
const ca = Config.NonEmptyString("MESH_CA_FILE")
const keys = EnvConfig.secrets("INTERNAL_GRPC_API_KEY")
const keysIfAny = keys.pipe(Config.withDefault([]))

const open = Config.Literals(["none", "required"], "MESH_AUTH").pipe(
  Config.withDefault("required" as const),
  Config.map((auth) => auth === "none"),
)

/** One of the three files is enough to mean all of them: the others are then missed by their names. */
const certified = Config.map(Config.all([Config.option(cert), Config.option(key), Config.option(ca)]), (files) =>
  files.some(Option.isSome),
)

const choice = Config.all({ open, certified })

const identity = (keysAlone: typeof keys): Config.Config<MeshIdentity> =>
  Config.flatMap(choice, (chosen) =>
    Config.all({
      open: Config.succeed(chosen.open),
      certificateFiles: chosen.certified ? Config.all({ cert, key, ca }) : Config.succeed(undefined),
      keys: chosen.open || chosen.certified ? keysIfAny : keysAlone,
    }),
  )

/**
 * Reads MESH_CERT_FILE, MESH_KEY_FILE and MESH_CA_FILE (all or none), INTERNAL_GRPC_API_KEY, and MESH_AUTH, whose value
 * "none" is the only way to ask nobody for anything. Without certificates the key is required.
 */
export const meshIdentity: Config.Config<MeshIdentity> = identity(keys)

/** As `meshIdentity`, but a program that is given nothing starts, and refuses everybody. */
export const meshIdentityIfAny: Config.Config<MeshIdentity> = identity(keysIfAny)

/**
 * Where another program's mesh face is: `dns:///billing:9084` for all its processes, `https://…` for one. `http://…` only
 * where there are no certificates, which it would leave unused.
 */
export const peerUrl = (name: string): Config.Config<URL> =>
  Config.flatMap(certified, (secure) => EnvConfig.url(name, secure ? ["https", "dns"] : ["http", "https", "dns"]))
