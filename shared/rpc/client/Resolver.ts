/** The addresses of a name: the one thing that a channel asks of the network before it connects. */
import { lookup } from "node:dns/promises"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"

export class NameUnresolved extends Data.TaggedError("NameUnresolved")<{
  readonly name: string
  readonly reason: string
}> {}

export interface Address {
  readonly host: string
  readonly port: number
}

export interface Resolver {
  /** Where the program of this name listens now, each place once; `port` where the resolver knows of no other. */
  readonly resolve: (name: string, port: number) => Effect.Effect<ReadonlyArray<Address>, NameUnresolved>
}

/** As the operating system resolves names, with its hosts file and search domains. A headless service gives all its pods. */
export const dnsResolver: Resolver = {
  resolve: (name, port) =>
    Effect.tryPromise({
      try: () => lookup(name, { all: true }),
      catch: (cause) => new NameUnresolved({ name, reason: codeOf(cause) }),
    }).pipe(
      Effect.map((found) => [...new Set(found.map(({ address }) => address))].map((host) => ({ host, port }))),
      Effect.timeoutOrElse({
        duration: "5 seconds",
        orElse: () => Effect.fail(new NameUnresolved({ name, reason: "the name server does not answer" })),
      }),
    ),
}

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "unknown"
