/** The examples for Zitadel and Synapse: they parse, and name what is there. Both programs ignore what they do not know. */
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { loadYaml } from "@kubernetes/client-node"
import { describe, expect, it } from "vitest"
import { isDenied } from "../../services/identity/zitadel/pack/Pack.ts"

const parsed = (path: string): unknown =>
  loadYaml(readFileSync(resolve(import.meta.dirname, "../../deploy", path), "utf8"))

/** The paths of all leaves, such as `TLS.Enabled`; a list is a leaf. */
const leaves = (value: unknown, path: ReadonlyArray<string> = []): ReadonlyArray<string> =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.entries(value).flatMap(([name, below]) => leaves(below, [...path, name]))
    : [path.join(".")]

/** What is at a path. */
const at = (value: unknown, path: string): unknown =>
  path.split(".").reduce<unknown>((found, name) => Object(found)[name], value)

describe("Zitadel's runtime configuration", () => {
  const config = parsed("zitadel/runtime-config.yaml")

  /** Of cmd/defaults.yaml at v2.62. */
  const known = [
    ...["Port", "ExternalDomain", "ExternalPort", "ExternalSecure", "TLS.Enabled"],
    ...["Host", "Port", "Database", "User.Username", "User.SSL.Mode"].map((name) => `Database.postgres.${name}`),
    ...["Actions.HTTP.DenyList", "LogStore.Execution.Stdout.Enabled"],
  ]

  it("has settings that Zitadel knows", () => {
    expect(leaves(config).filter((path) => !known.includes(path))).toEqual([])
  })

  it("is served at the name that people and Synapse use, behind an ingress", () => {
    expect(at(config, "ExternalDomain")).toBe("id.staging.nova.app")
    expect([at(config, "ExternalSecure"), at(config, "ExternalPort"), at(config, "TLS.Enabled")]).toEqual([
      ...[true, 443, false],
    ])
  })

  it("lets actions call the identity service, and neither itself nor the database", () => {
    const denied = at(config, "Actions.HTTP.DenyList")
    expect(denied).toEqual(expect.arrayContaining(["localhost", "127.0.0.1", "postgres"]))
    expect(denied).not.toContain("identity-service")
    expect(isDenied(new URL("http://identity-service:8081"))).toBe(false)
  })

  it("holds no secret", () => {
    expect(leaves(config).filter((path) => /password|secret|key/i.test(path))).toEqual([])
  })
})

describe("Synapse's provider", () => {
  const [provider, ...others] = Object(parsed("synapse/oidc-providers.yaml")).oidc_providers

  /** Of Synapse's configuration manual, `oidc_providers`. */
  const known = [
    ...["idp_id", "idp_name", "issuer", "client_id", "client_secret_path", "client_auth_method", "pkce_method"],
    ...["scopes", "user_profile_method", "allow_existing_users"],
    ...["subject_claim", "localpart_template", "display_name_template", "email_template", "picture_claim"].map(
      (name) => `user_mapping_provider.config.${name}`,
    ),
  ]

  it("has settings that Synapse knows", () => {
    expect(others).toEqual([])
    expect(leaves(provider).filter((path) => !known.includes(path))).toEqual([])
  })

  it("asks Zitadel for what the claims need", () => {
    expect(provider.issuer).toBe("https://id.staging.nova.app")
    expect(provider.scopes).toEqual(["openid", "profile", "email"])
  })

  it("holds no secret, and takes over no account", () => {
    expect(provider).not.toHaveProperty("client_secret")
    expect(provider.allow_existing_users).toBe(false)
  })
})
