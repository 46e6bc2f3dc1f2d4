/** Programs that know one another by certificates alone. */
import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { UsageService } from "#gen/authsome/billing/v1/usage_pb.ts"
import { IdentityService } from "#gen/authsome/identity/v1/identity_service_pb.ts"
import { ProvisioningService } from "#gen/authsome/provisioner/v1/provisioning_pb.ts"
import { ProxyService } from "#gen/authsome/proxy/v1/proxy_pb.ts"
import type { CertificateFiles } from "#shared/rpc/Certificates.ts"
import * as Client from "#shared/rpc/client/Client.ts"
import * as MeshChannel from "#shared/rpc/client/MeshChannel.ts"
import { run } from "#shared/servers/Command.ts"
import { issued, makeAuthority } from "./certificates.ts"
import { certified, Programs, services, start } from "./Programs.ts"
import { statusOfUsage } from "./usage.ts"

const workspaceId = `ws_${"a".repeat(26)}`

/** A channel that shows nothing but the certificate. */
const channelTo = (url: URL, certificateFiles: CertificateFiles | undefined, peer = "control-plane") =>
  MeshChannel.make({ url, peer, identity: { keys: [], certificateFiles, open: false } })

layer(Programs.layer, { excludeTestServices: true })("programs with certificates and without a key", (it) => {
  it.effect(
    "call one another, and let nobody else in",
    () =>
      Effect.gen(function* () {
        const authority = yield* makeAuthority
        const ours = yield* issued(authority, "control-plane")
        const billing = yield* start("billing", certified(yield* issued(authority, "billing")))
        yield* billing.ready
        const controlPlane = yield* start("control-plane", {
          ...certified(ours),
          BILLING_GRPC_URL: billing.mesh.encrypted.href,
        })
        yield* controlPlane.ready
        assert.strictEqual(yield* statusOfUsage(controlPlane.http), 200)

        const usage = Effect.fnUntraced(function* (...[url, files, peer]: Parameters<typeof channelTo>) {
          return yield* Client.make(UsageService, yield* channelTo(url, files, peer)).getUsage({ workspaceId })
        }, Effect.scoped)
        assert.strictEqual((yield* usage(billing.mesh.encrypted, ours)).workspaceId, workspaceId)
        // Another program of the mesh, whatever it says of itself; then strangers to the mesh.
        const proxy = yield* issued(authority, "proxy")
        assert.strictEqual((yield* Effect.flip(usage(billing.mesh.encrypted, proxy)))._tag, "PermissionDenied")
        const forged = { ...(yield* issued(yield* makeAuthority, "control-plane")), ca: ours.ca }
        assert.strictEqual((yield* Effect.flip(usage(billing.mesh.encrypted, forged)))._tag, "Unavailable")
        assert.strictEqual((yield* Effect.flip(usage(billing.mesh.cleartext, undefined)))._tag, "Unavailable")
      }).pipe(Effect.scoped),
    60_000,
  )

  it.effect(
    "are looked after by an operator with a certificate",
    () =>
      Effect.gen(function* () {
        const authority = yield* makeAuthority
        const billing = yield* start("billing", certified(yield* issued(authority, "billing")))
        yield* billing.ready
        const backlog = Effect.fnUntraced(function* (peer: string) {
          return yield* run({
            command: process.execPath,
            args: [
              join(services, "local", "events", "main.ts"),
              "replay",
              "--all",
              "--url",
              billing.mesh.encrypted.href,
            ],
            env: certified(yield* issued(authority, peer)),
          })
        })
        assert.include(yield* backlog("operator"), "Replayed 0 events.")
        assert.include((yield* Effect.flip(backlog("proxy"))).message, "PERMISSION_DENIED")
      }).pipe(Effect.scoped),
    60_000,
  )

  it.effect(
    "are known by their names everywhere, on streams too",
    () =>
      Effect.gen(function* () {
        const authority = yield* makeAuthority
        const ours = yield* issued(authority, "control-plane")
        const started = (program: "identity" | "provisioner" | "proxy") =>
          Effect.gen(function* () {
            const { mesh, ready } = yield* start(program, certified(yield* issued(authority, program)))
            yield* ready
            return mesh
          })
        const identity = yield* started("identity")
        const users = Client.make(IdentityService, yield* channelTo(identity.encrypted, ours))
        yield* users.listUsers({})
        const proxy = yield* started("proxy")
        yield* Client.make(ProxyService, yield* channelTo(proxy.encrypted, ours)).getStats({})
        const provisioner = yield* started("provisioner")
        const provisioning = Client.make(ProvisioningService, yield* channelTo(provisioner.encrypted, ours))
        const watched = provisioning.watchProvisioning({ applicationId: "app_1" })
        assert.strictEqual((yield* Effect.flip(Stream.runDrain(watched)))._tag, "NotFound")
        const stranger = Client.make(ProvisioningService, yield* channelTo(provisioner.cleartext, undefined))
        assert.strictEqual((yield* Effect.flip(stranger.listProvisionings({})))._tag, "Unavailable")
      }).pipe(Effect.scoped),
    60_000,
  )
})
