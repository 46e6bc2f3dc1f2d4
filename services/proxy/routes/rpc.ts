/** The resolver, by RoutingService/ResolveKey. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ControlPlaneClient } from "./ControlPlaneClient.ts"
import { toVerdict } from "./proto.ts"
import { Resolver } from "./Resolver.ts"
import { VerdictUnavailable } from "./Route.ts"

export const layer = Layer.effect(
  Resolver,
  Effect.map(ControlPlaneClient, (controlPlane) => ({
    resolve: (applicationId, digest) =>
      controlPlane.resolveKey({ applicationId, keyDigest: Buffer.from(digest, "hex") }).pipe(
        Effect.mapError(({ _tag, message }) => new VerdictUnavailable({ reason: `${_tag}: ${message}` })),
        Effect.flatMap((response) => {
          const verdict = toVerdict(applicationId, response)
          return verdict === undefined
            ? Effect.fail(new VerdictUnavailable({ reason: "the control plane's answer is no verdict" }))
            : Effect.succeed(verdict)
        }),
      ),
  })),
)
