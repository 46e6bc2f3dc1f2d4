import { timestampFromMs } from "@bufbuild/protobuf/wkt"
import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { ApplicationDirectoryService } from "#gen/authsome/control/v1/application_directory_pb.ts"
import { ApplicationStatus } from "#gen/authsome/control/v1/application_pb.ts"
import { KeyType } from "#gen/authsome/control/v1/key_pb.ts"
import { RoutingService, Verdict } from "#gen/authsome/control/v1/routing_pb.ts"
import { sha256 } from "#shared/crypto/digest.ts"
import * as Channel from "#shared/rpc/client/Channel.ts"
import * as Client from "#shared/rpc/client/Client.ts"
import { Listening } from "#shared/rpc/Server.ts"
import { applicationMade, call } from "../testing/TestClient.ts"
import * as TestControlPlane from "../testing/TestControlPlane.ts"
import { meshKeys } from "../testing/TestKeys.ts"

/** The control plane as another program of the mesh calls it. */
const mesh = Effect.fnUntraced(function* (peer: string, key: string = meshKeys[0]) {
  const { grpcPort } = yield* Listening
  const url = new URL(`http://127.0.0.1:${grpcPort}`)
  const channel = yield* Channel.make({ url, peer, internalKey: Redacted.make(key) })
  return {
    routing: Client.make(RoutingService, channel),
    directory: Client.make(ApplicationDirectoryService, channel),
  }
})

layer(TestControlPlane.running(), { excludeTestServices: true })("for programs of the mesh", (it) => {
  it.effect("a key resolves to all that a proxy needs, by either key of the mesh", () =>
    Effect.gen(function* () {
      const { applicationId, workspaceId, secretKey, publicKey } = yield* applicationMade
      const { routing } = yield* mesh("proxy", meshKeys[1])
      const secret = yield* routing.resolveKey({ applicationId, keyDigest: sha256(secretKey) })
      expect(secret.verdict).toBe(Verdict.VALID)
      expect(secret.route).toMatchObject({
        applicationId,
        workspaceId,
        status: ApplicationStatus.PROVISIONING,
        region: "local",
        instanceUrl: "",
        keyType: KeyType.SECRET,
        scopes: ["*"],
        rateLimitPerSecond: 10,
        monthlyRequestCap: 100_000n,
        version: 1n,
      })
      const open = yield* routing.resolveKey({ applicationId, keyDigest: sha256(publicKey) })
      expect(open.route).toMatchObject({ keyType: KeyType.PUBLIC, scopes: [] })
    }),
  )

  it.effect("a verdict is an answer: unknown key, unknown application", () =>
    Effect.gen(function* () {
      const { applicationId, secretKey } = yield* applicationMade
      const { routing } = yield* mesh("proxy")
      const unknownKey = yield* routing.resolveKey({ applicationId, keyDigest: sha256("another") })
      expect(unknownKey).toMatchObject({ verdict: Verdict.UNKNOWN_KEY, version: 1n })
      const nowhere = yield* routing.resolveKey({ applicationId: "app_none", keyDigest: sha256(secretKey) })
      expect(nowhere).toMatchObject({ verdict: Verdict.UNKNOWN_APPLICATION, version: 0n })
    }),
  )

  it.effect("the use of keys is noted", () =>
    Effect.gen(function* () {
      const { applicationId, token, secretKey } = yield* applicationMade
      const { routing } = yield* mesh("proxy")
      const { route } = yield* routing.resolveKey({ applicationId, keyDigest: sha256(secretKey) })
      const lastUsedAt = timestampFromMs(Date.UTC(2026, 0, 1))
      yield* routing.reportKeyUse({ uses: [{ keyId: route?.keyId ?? "", lastUsedAt }] })
      const { json } = yield* call("GET", `/applications/${applicationId}/keys`, { token })
      const used = json.data.filter((key: { readonly id: string }) => key.id === route?.keyId)
      expect(used).toMatchObject([{ lastUsedAt: "2026-01-01T00:00:00Z" }])
    }),
  )

  it.effect("all applications are listed, page by page and one by one", () =>
    Effect.gen(function* () {
      const made = [yield* applicationMade, yield* applicationMade, yield* applicationMade]
      const { directory } = yield* mesh("provisioner")
      const seen: Array<string> = []
      let pageToken = ""
      do {
        const page = yield* directory.listAllApplications({ pageSize: 2, pageToken })
        seen.push(...page.applications.map(({ desired }) => desired?.applicationId ?? ""))
        expect(page.applications.length).toBeLessThanOrEqual(2)
        pageToken = page.nextPageToken
      } while (pageToken !== "")
      expect(new Set(seen).size).toBe(seen.length)
      expect(made.filter(({ applicationId }) => !seen.includes(applicationId))).toEqual([])
      const [{ applicationId, workspaceId } = { applicationId: "", workspaceId: "" }] = made
      const { applications } = yield* directory.listAllApplications({ applicationId })
      expect(applications).toMatchObject([
        { status: ApplicationStatus.PROVISIONING, desired: { applicationId, workspaceId, generation: 1n } },
      ])
    }),
  )

  it.effect("nobody else is answered", () =>
    Effect.gen(function* () {
      const { routing } = yield* mesh("proxy", "a-key-of-somebody-else")
      const refused = yield* Effect.flip(routing.resolveKey({ applicationId: "app_x", keyDigest: sha256("x") }))
      expect(refused).toMatchObject({ _tag: "Unauthenticated" })
    }),
  )
})
