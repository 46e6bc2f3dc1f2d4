/** Who is calling, and the few things besides its message that a handler may know of a call. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { AccessKind } from "./Policy.ts"
import { PermissionDenied, type PublicError } from "./PublicError.ts"

export type CallerIdentity =
  | { readonly _tag: "Anonymous" }
  /** A user of the dashboard. */
  | { readonly _tag: "User"; readonly userId: string; readonly sessionId: string }
  /** Another program of the mesh. */
  | { readonly _tag: "Peer"; readonly name: string }
  /** An API key that the proxy vouches for. */
  | { readonly _tag: "Key"; readonly key: KeyIdentity }
  /** An end user's live session, and the API key that it came with. */
  | { readonly _tag: "EndUser"; readonly userId: string; readonly sessionId: string; readonly key: KeyIdentity }

export interface KeyIdentity {
  readonly applicationId: string
  readonly keyId: string
  readonly kind: "public" | "secret"
  readonly scopes: ReadonlyArray<string>
}

/** The identity of the call being served. */
export class Caller extends Context.Service<Caller, CallerIdentity>()("shared/rpc/Caller") {}

export interface CallFacts {
  /** Full rpc name, such as "authsome.control.v1.KeyService/CreateKey". */
  readonly rpc: string
  readonly requestId: string
  /** The address at the other end of the connection, or the forwarded one behind a trusted proxy. */
  readonly remoteAddress: string
  /** The program that the connection's certificate names; undefined without one. */
  readonly certifiedPeer: string | undefined
  /** A request header by its lower-case name. */
  readonly header: (name: string) => string | undefined
  /** The body as it came, where the contract's access is a signature over it. Only REST has one. */
  readonly body?: Uint8Array | undefined
  /** Sets a response header. */
  readonly setHeader: (name: string, value: string) => void
}

/** The call being served. */
export class Call extends Context.Service<Call, CallFacts>()("shared/rpc/Call") {}

/** Finds out who is calling, from headers alone, or from a signature over the body. */
export type Authenticate = (call: CallFacts) => Effect.Effect<CallerIdentity, PublicError>

/** How this process tells its callers apart. A kind of access that is not here is refused. */
export class Authentication extends Context.Service<Authentication, { readonly [K in AccessKind]?: Authenticate }>()(
  "shared/rpc/Authentication",
) {}

export interface Demand {
  /** What the contract asks for, such as "applications.create". */
  readonly permission: string
  /** The request field that names the resource, such as "workspace_id"; empty where the contract names none. */
  readonly field: string
  /** The resource's id. */
  readonly resource: string
}

/** What the authorization found out on its way. */
export interface Grant {
  /** What the resource belongs to: the record of a change is kept for it. */
  readonly container?: string
}

/**
 * Decides whether a caller may do what the contract demands. Fails with `NotFound` where the caller may not even know
 * that the resource exists.
 */
export class Authorization extends Context.Service<
  Authorization,
  {
    readonly authorize: (caller: CallerIdentity, demand: Demand) => Effect.Effect<Grant, PublicError>
  }
>()("shared/rpc/Authorization") {
  /** For a process whose rpcs ask for no permission: one that did would be refused, whoever calls it. */
  static readonly layerNobody = Layer.succeed(Authorization, {
    authorize: () => Effect.fail(new PermissionDenied({ reason: "PERMISSION_DENIED", message: "nobody may do this" })),
  })
}
