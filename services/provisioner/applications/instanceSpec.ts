import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import { sha256 } from "#shared/crypto/digest.ts"
import type { InstanceSpec } from "../cluster/Cluster.ts"
import type { Desired } from "./Application.ts"
import type { InstanceEnvironmentFacts } from "./InstanceEnvironment.ts"

/** Where the instance finds what is its own; each URL carries its password. */
export interface InstanceResources {
  readonly databaseUrl: Redacted.Redacted<string>
  readonly redisUrl: Redacted.Redacted<string>
  readonly sealingKeys: Redacted.Redacted<string>
}

/**
 * How the processes of an instance are started. The revision is a digest of all of it and of the count of restarts:
 * whatever changes, the processes are replaced.
 */
export const instanceSpec = (
  desired: Desired,
  facts: InstanceEnvironmentFacts,
  resources: InstanceResources,
): InstanceSpec => {
  const variables = {
    IDENTITY_ROLE: "instance",
    APPLICATION_ID: desired.applicationId,
    KEY_IDENTITY_PUBLIC_KEY: facts.keyIdentityPublicKey,
    MAIL_FROM: facts.mailFrom,
    LOG_LEVEL: facts.logLevel,
    SHUTDOWN_GRACE: facts.shutdownGrace,
  }
  const secrets = {
    DATABASE_URL: resources.databaseUrl,
    REDIS_URL: resources.redisUrl,
    SEALING_KEYS: resources.sealingKeys,
    SMTP_URL: facts.smtpUrl,
  }
  const whole = [desired.restartCount, variables, Record.map(secrets, Redacted.value)]
  return { revision: sha256(JSON.stringify(whole)).toString("hex").slice(0, 32), variables, secrets }
}
