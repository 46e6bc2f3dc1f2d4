import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

/** Of our own environment exactly these variables, as far as they are set: what a child process may know of it. */
export const inherited = (names: ReadonlyArray<string>): Effect.Effect<Record<string, string>> =>
  Effect.forEach(names, (name) =>
    Effect.map(Effect.orDie(Config.option(Config.String(name))), (value) =>
      Option.map(value, (text) => [name, text] as const),
    ),
  ).pipe(Effect.map((entries) => Object.fromEntries(entries.flatMap((entry) => Option.toArray(entry)))))
