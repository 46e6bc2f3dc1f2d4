/** What every instance is told of the installation, beside what is its own. */
import * as Context from "effect/Context"
import type * as Redacted from "effect/Redacted"

export interface InstanceEnvironmentFacts {
  /** With it, the proxy's word on who is calling is checked. */
  readonly keyIdentityPublicKey: string
  readonly smtpUrl: Redacted.Redacted<string>
  readonly mailFrom: string
  readonly logLevel: string
  /** How long an instance may take to stop, such as `10 seconds`. */
  readonly shutdownGrace: string
}

export class InstanceEnvironment extends Context.Service<InstanceEnvironment, InstanceEnvironmentFacts>()(
  "provisioner/InstanceEnvironment",
) {}
