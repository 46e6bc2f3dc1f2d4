/** What the callers of an instance may do: a permission is a scope of their key. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Authorization, type CallerIdentity, type KeyIdentity } from "#shared/rpc/Caller.ts"
import { PermissionDenied } from "#shared/rpc/PublicError.ts"

/** A secret key may do what its scopes say; a public one has none, whatever it claims. */
export const hasScope = ({ kind, scopes }: KeyIdentity, scope: string): boolean =>
  kind === "secret" && (scopes.includes(scope) || scopes.includes("*"))

const isAllowed = (caller: CallerIdentity, permission: string): boolean => {
  switch (caller._tag) {
    case "Key":
    // Whose data it is decides beside this what an end user may do.
    case "EndUser":
      return hasScope(caller.key, permission)
    case "Anonymous":
    case "User":
    case "Peer":
      return false
  }
}

export const layer = Layer.succeed(Authorization, {
  authorize: (caller, { permission }) =>
    isAllowed(caller, permission)
      ? Effect.succeed({})
      : Effect.fail(
          new PermissionDenied({
            reason: "SCOPE_MISSING",
            message: `the key does not have the scope ${permission}`,
            metadata: { scope: permission },
          }),
        ),
})
