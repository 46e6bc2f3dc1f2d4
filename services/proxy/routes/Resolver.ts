/** Who decides what a key opens, as the routes see it: the control plane. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Verdict, VerdictUnavailable } from "./Route.ts"

export class Resolver extends Context.Service<
  Resolver,
  {
    /** The verdict on the key with this digest (hex) at this application. */
    readonly resolve: (applicationId: string, digest: string) => Effect.Effect<Verdict, VerdictUnavailable>
  }
>()("proxy/routes/Resolver") {}
