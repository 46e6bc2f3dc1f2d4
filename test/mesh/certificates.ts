/** Certificates of a mesh that lives for one test. */
import "reflect-metadata" // the certificate library asks for it
import { webcrypto } from "node:crypto"
import { renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as x509 from "@peculiar/x509"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { CertificateFiles } from "#shared/rpc/Certificates.ts"
import { temporaryFolder } from "#shared/testing/Backing.ts"

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }
const day = 86_400_000

export interface Authority {
  /** Writes a certificate for the program into the folder, over the one that may be there. */
  readonly issue: (program: string, folder: string) => Effect.Effect<CertificateFiles>
}

/** A folder for the files of one program, which goes with the scope. */
export const folder = Effect.provide(temporaryFolder, NodeFileSystem.layer)

/** A certificate for the program in a folder of its own. */
export const issued = (
  authority: Authority,
  program: string,
): Effect.Effect<CertificateFiles, Effect.Error<typeof folder>, Scope.Scope> =>
  Effect.flatMap(folder, (own) => authority.issue(program, own))

/** An authority that vouches for programs by their SPIFFE id, wherever on this machine they run. */
export const makeAuthority: Effect.Effect<Authority> = Effect.promise(async () => {
  x509.cryptoProvider.set(webcrypto as Crypto)
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=mesh of a test",
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - day),
    notAfter: new Date(Date.now() + day),
    extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
  })
  let serial = 1
  const issue = async (program: string, folder: string): Promise<CertificateFiles> => {
    const own = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])
    serial += 1
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serial.toString(16).padStart(4, "0"),
      subject: `CN=${program}`,
      issuer: root.subject,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      notBefore: new Date(Date.now() - day),
      notAfter: new Date(Date.now() + day),
      extensions: [
        new x509.SubjectAlternativeNameExtension([
          { type: "url", value: `spiffe://mesh.test/${program}` },
          { type: "dns", value: program },
          { type: "dns", value: "localhost" },
        ]),
      ],
    })
    const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", own.privateKey)).toString("base64")
    const files = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem"), ca: join(folder, "ca.pem") }
    replace(files.key, `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`)
    replace(files.ca, root.toString("pem"))
    replace(files.cert, certificate.toString("pem"))
    return files
  }
  return { issue: (program, folder) => Effect.promise(() => issue(program, folder)) }
})

/** At once, as whoever replaces certificates in earnest does. */
const replace = (file: string, text: string): void => {
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}
