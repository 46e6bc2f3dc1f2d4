import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** A server did not start, did not become ready, or ended when nobody asked it to: one sentence, and where to read on. */
export class ServerFailed extends Schema.TaggedError<ServerFailed>()("ServerFailed", {
  server: Schema.String,
  reason: Schema.String,
  /** The file it writes its log to. */
  log: Schema.optionalKey(Schema.String),
}) {
  override get message(): string {
    return `${this.server} ${this.reason}${this.log === undefined ? "" : ` (log: ${this.log})`}`
  }
}

/** What the file system refuses while a server is being prepared, told of that server. */
export const orServerFailed =
  (server: string, doing: string) =>
  <A, E extends { readonly message: string }, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, ServerFailed, R> =>
    Effect.mapError(effect, (error) => new ServerFailed({ server, reason: `could not ${doing}: ${error.message}` }))
