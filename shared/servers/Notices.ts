import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/** Who is told of what takes long, such as a download: nobody, unless a program wants to say it. */
export const Notices = Context.Reference<(line: string) => Effect.Effect<void>>("shared/servers/Notices", {
  defaultValue: () => () => Effect.void,
})
