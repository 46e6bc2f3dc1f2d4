/**
 * The certificate of a program of the mesh, from files that something else replaces: read again when they change, without
 * a restart. A replacement that cannot be read leaves the one before in force, and is logged.
 */
import { readFile, stat } from "node:fs/promises"
import type { TLSSocket } from "node:tls"
import { createSecureContext } from "node:tls"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"

export interface CertificateFiles {
  /** The chain that this program shows. PEM. */
  readonly cert: string
  readonly key: string
  /** Who may vouch for the programs of the mesh. PEM. */
  readonly ca: string
}

export interface CertificateMaterial {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca: Buffer
}

/** The files cannot be read, or do not fit together. */
export class CertificatesUnusable extends Schema.TaggedError<CertificatesUnusable>()("CertificatesUnusable", {
  reason: Schema.String,
}) {
  override get message(): string {
    return `the mesh certificate cannot be used: ${this.reason}`
  }
}

export interface Certificates {
  readonly current: () => CertificateMaterial
  /** Calls back at every replacement, until the returned function is called. */
  readonly onReplaced: (listener: () => void) => () => void
}

/** Kubernetes replaces a mounted secret by moving a link, which watching a file does not see; looking does. */
const lookEvery = "5 seconds"

/** Reads the files, and again whenever they have changed, for as long as the scope lives. */
export const load = (files: CertificateFiles): Effect.Effect<Certificates, CertificatesUnusable, Scope.Scope> =>
  Effect.gen(function* () {
    let material = yield* read(files)
    let seen = yield* changedAt(files)
    const listeners = new Set<() => void>()

    const look = Effect.gen(function* () {
      const now = yield* changedAt(files)
      if (now === seen) return
      material = yield* read(files)
      seen = now
      for (const listener of listeners) listener()
      yield* Effect.logInfo("the mesh certificate was replaced")
    })
    yield* look.pipe(
      Effect.catch(({ message }) => Effect.logError(message)),
      Effect.repeat(Schedule.spaced(lookEvery)),
      Effect.forkScoped,
    )
    return {
      current: () => material,
      onReplaced: (listener) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    }
  })

const attempt = <A>(f: () => Promise<A>): Effect.Effect<A, CertificatesUnusable> =>
  Effect.tryPromise({
    try: f,
    catch: (cause) => new CertificatesUnusable({ reason: cause instanceof Error ? cause.message : "unknown" }),
  })

const read = ({ cert, key, ca }: CertificateFiles): Effect.Effect<CertificateMaterial, CertificatesUnusable> =>
  attempt(async () => {
    const material = { cert: await readFile(cert), key: await readFile(key), ca: await readFile(ca) }
    createSecureContext(material) // throws where key and certificate are not a pair
    return material
  })

const changedAt = ({ cert, key, ca }: CertificateFiles): Effect.Effect<string, CertificatesUnusable> =>
  attempt(async () => {
    const times = await Promise.all([cert, key, ca].map(async (file) => (await stat(file)).mtimeMs))
    return times.join(" ")
  })

/**
 * The program that a verified certificate names: the last part of a SPIFFE id, else the first label of a DNS name, such
 * as "billing" of "billing.authsome-system.svc".
 */
export const peerNameOf = (socket: Pick<TLSSocket, "getPeerCertificate" | "authorized">): string | undefined => {
  if (!socket.authorized) return undefined
  const names = (socket.getPeerCertificate().subjectaltname ?? "").split(", ")
  const spiffe = names.find((name) => name.startsWith("URI:spiffe://"))
  if (spiffe !== undefined) return spiffe.split("/").at(-1)
  return names
    .find((name) => name.startsWith("DNS:"))
    ?.slice("DNS:".length)
    .split(".")[0]
}
