/**
 * What a call changed, in the words of its handler: for the audit row of an rpc whose contract names an audit action.
 * Where a handler says nothing, the row names the resource of the contract's `scope`.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/** The device that a change comes from; empty: not known. */
export interface Origin {
  readonly ipAddress: string
  readonly userAgent: string
}

export interface Change {
  /** The kind of what was changed, such as "key". */
  readonly type: string
  /** Its id; never a name, an address or a secret. */
  readonly id: string
  /** What it belongs to, whose record shows the change. Unset: what the authorization found. */
  readonly container?: string
  /** Where the change comes from, if the caller answers for somebody else. Unset: from where the call came. */
  readonly origin?: Origin
}

/** Where a recorded call notes what its handler tells; undefined where nothing is recorded. */
export const ToldChange = Context.Reference<{ told: Change | "nothing" | undefined } | undefined>(
  "shared/rpc/ToldChange",
  { defaultValue: () => undefined },
)

const tell = (told: Change | "nothing"): Effect.Effect<void> =>
  Effect.map(ToldChange, (note) => {
    if (note !== undefined) note.told = told
  })

/** Tells what the call changed; what is told last counts. */
export const changed = (change: Change): Effect.Effect<void> => tell(change)

/** Tells that all was as the call wanted it already: there is nothing to record. */
export const unchanged: Effect.Effect<void> = tell("nothing")
