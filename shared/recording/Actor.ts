/** Who calls, in two words that are always the same for the same person, key or program. */
import type { CallerIdentity } from "../rpc/Caller.ts"

export interface Actor {
  readonly kind: "user" | "key" | "endUser" | "peer" | "anonymous"
  /** Empty for anonymous callers. */
  readonly id: string
}

export const actorOf = (caller: CallerIdentity): Actor => {
  switch (caller._tag) {
    case "User":
      return { kind: "user", id: caller.userId }
    case "Key":
      return { kind: "key", id: caller.key.keyId }
    case "EndUser":
      return { kind: "endUser", id: caller.userId }
    case "Peer":
      return { kind: "peer", id: caller.name }
    case "Anonymous":
      return { kind: "anonymous", id: "" }
  }
}
