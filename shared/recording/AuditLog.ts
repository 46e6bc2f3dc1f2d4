/** The record of who changed what. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { CallerIdentity, CallFacts } from "../rpc/Caller.ts"
import type { Origin } from "../rpc/Change.ts"
import type { Actor } from "./Actor.ts"

/** One change. Names and ids only: never a value that somebody sent. */
export interface AuditEntry {
  /** The contract's name of the change, such as "key.created". */
  readonly action: string
  /** Full rpc name. */
  readonly rpc: string
  readonly actor: Actor
  /** What the resource belongs to; undefined: nothing that is known. */
  readonly container: string | undefined
  readonly resource: { readonly type: string; readonly id: string }
  /** `fields`: the fields that the request set, by their JSON names; and the ids of what the resource is part of. */
  readonly details: Readonly<Record<string, string | ReadonlyArray<string>>>
  /** Where it comes from, if the handler knew better than the connection. */
  readonly origin: Origin | undefined
  readonly caller: CallerIdentity
  readonly call: CallFacts
}

export class AuditLog extends Context.Service<
  AuditLog,
  {
    /** Appends an entry to the transaction that the caller runs in. */
    readonly append: (entry: AuditEntry) => Effect.Effect<void, SqlError>
  }
>()("shared/recording/AuditLog") {}
