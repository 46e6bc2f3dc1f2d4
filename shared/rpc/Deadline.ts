/** When the request being served must be answered, so that the calls it makes in turn never outlive it. */
import * as Context from "effect/Context"

/** Epoch milliseconds; undefined outside a request. */
export const Deadline = Context.Reference<number | undefined>("shared/rpc/Deadline", { defaultValue: () => undefined })
