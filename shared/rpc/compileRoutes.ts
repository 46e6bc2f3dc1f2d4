/** The rpcs of a process as routes. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { AdmissionGate } from "./AdmissionGate.ts"
import type { Authentication, Authorization } from "./Caller.ts"
import type { Base } from "./guard.ts"
import type { Implementation } from "./Handlers.ts"
import type { Routes } from "./Route.ts"
import { streamRoute } from "./streamRoute.ts"
import { unaryRoute } from "./unaryRoute.ts"

/**
 * Compiles the rpcs of `implementations` into routes. Dies where a contract has no complete policy. So many programs of
 * ours in front of this one, `trustedHops`, are believed in what they say of a caller's address.
 */
export const compileRoutes = (
  implementations: ReadonlyArray<Implementation>,
  gate: AdmissionGate,
  trustedHops = 0,
): Effect.Effect<Routes, never, Authentication | Authorization> =>
  Effect.contextWith((context: Base) =>
    Effect.sync(() => {
      // A flat base, so that what each call adds to it is an overlay and never a copy of all services.
      const base: Base = Context.makeUnsafe(new Map(context.mapUnsafe))
      return {
        unary: implementations.flatMap(({ unary }) =>
          [...unary].map(([method, handler]) => unaryRoute(method, handler, { base, gate, trustedHops })),
        ),
        streaming: implementations.flatMap(({ streaming }) =>
          [...streaming].map(([method, handler]) => streamRoute(method, handler, { base, gate, trustedHops })),
        ),
      }
    }),
  )
