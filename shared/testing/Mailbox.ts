/** The mails that the run's servers have been given, as tests read them. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Backing } from "./Backing.ts"
import { eventually } from "./eventually.ts"

/** No mail for that address has come. */
export class NoMail extends Schema.TaggedError<NoMail>()("NoMail", { to: Schema.String }) {}

/** All mails with that address in their `To`, oldest first, as they came over the wire. */
export const mailsTo = (address: string): Effect.Effect<ReadonlyArray<string>, never, Backing> =>
  Effect.map(Backing, ({ mailDir }) =>
    readdirSync(mailDir)
      .filter((name) => name.endsWith(".eml"))
      .sort()
      .map((name) => readFileSync(join(mailDir, name), "utf8"))
      .filter((mail) => /^to:.*$/im.exec(mail)?.[0].toLowerCase().includes(address.toLowerCase())),
  )

/** The newest mail to that address; waits until there is one. */
export const mailTo = (address: string): Effect.Effect<string, NoMail, Backing> =>
  eventually(
    Effect.flatMap(mailsTo(address), (mails) => {
      const mail = mails.at(-1)
      return mail === undefined ? Effect.fail(new NoMail({ to: address })) : Effect.succeed(mail)
    }),
  )
