/** `npm run zitadel -- pack | install | status | uninstall`: Nova's claims in Zitadel's tokens, for operators. */
import { join } from "node:path"
import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Misused } from "#shared/runtime/commandLine.ts"
import { type Action, isDenied, makePack, type PackSettings, sizeOf, urlFault } from "../pack/Pack.ts"
import { consentFlags } from "./consent.ts"
import { identityUrl, packSettings, settingFlags, zitadel } from "./Settings.ts"
import { writeSecret } from "./secretFile.ts"
import * as Version1 from "./version1.ts"
import * as Version2 from "./version2.ts"

const root = Command.make("zitadel").pipe(
  Command.withDescription(
    "Puts Nova's claims into Zitadel's tokens. Exits with 0 if all is as wanted, 1 if something is not, 2 if it was called wrongly.",
  ),
  Command.withSharedFlags(settingFlags),
)

const api = {
  api: Flag.Literals("api", ["v1", "v2"]).pipe(
    Flag.withDescription("Actions of version 1 (Zitadel 2.62), or of version 2 (from 4.0 on)"),
    Flag.withDefault("v1"),
  ),
  organizations: Flag.String("org").pipe(
    Flag.withDescription("Only this organisation, by its id; may be repeated (version 1)"),
    Flag.atLeast(0),
  ),
}

const warnOfDenied = (url: URL) =>
  isDenied(url)
    ? Console.error(`! Zitadel's deny list refuses ${url.hostname}: give the name by which it reaches the service`)
    : Effect.void

const madePack = Effect.fnUntraced(function* (settings: PackSettings) {
  yield* warnOfDenied(settings.identityUrl)
  return yield* Effect.mapError(makePack(settings), ({ message }) => new Misused({ message }))
})

/** Where a target of version 2 is, which holds nothing but its address. */
const endpointUrl = Effect.fnUntraced(function* (settings: Parameters<typeof identityUrl>[0]) {
  const url = yield* identityUrl(settings)
  const wrong = urlFault(url)
  return wrong === undefined ? url : yield* new Misused({ message: wrong })
})

const warning = "! nova_claims_enrichment holds the internal key: keep it as you keep the key"

const sized = (action: Action) => `${action.name}: ${sizeOf(action)} bytes, of 40000`

const pack = Command.make(
  "pack",
  {
    out: Flag.String("out").pipe(
      Flag.withDescription("A folder for one file for each action; where not given, both are printed"),
      Flag.optional,
    ),
  },
  Effect.fnUntraced(function* ({ out }) {
    const actions = yield* madePack(yield* packSettings(yield* root))
    if (Option.isNone(out)) {
      yield* Console.log(actions.map(({ name, script }) => `// ===== ${name}\n${script}`).join("\n"))
      yield* Effect.forEach(actions, (action) => Console.error(sized(action)))
    } else {
      for (const action of actions) {
        const file = join(out.value, `${action.name}.js`)
        yield* writeSecret(file, action.script)
        yield* Console.log(`${file} (${sized(action)})`)
      }
    }
    yield* Console.error(warning)
  }),
).pipe(Command.withDescription("Makes the two actions of version 1, to be pasted into the console by hand"))

const install = Command.make(
  "install",
  {
    ...api,
    ...consentFlags,
    keyFile: Flag.String("signing-key-file").pipe(
      Flag.withDescription("Where the signing key of a new target goes (version 2); must not be there yet"),
      Flag.optional,
    ),
    rotate: Flag.Boolean("rotate-signing-key").pipe(
      Flag.withDescription("Let Zitadel make a new signing key, which ends the old one at once (version 2)"),
      Flag.withDefault(false),
    ),
  },
  Effect.fnUntraced(function* (given) {
    const settings = yield* root
    if (given.api === "v2") {
      yield* checkVersion2(given.organizations)
      const url = yield* endpointUrl(settings)
      yield* warnOfDenied(url)
      const { address, api } = yield* zitadel(settings)
      yield* Console.log(`${address}, version 2:`)
      return yield* Version2.install(api, url, given)
    }
    if (given.rotate || Option.isSome(given.keyFile)) {
      yield* new Misused({ message: "--signing-key-file and --rotate-signing-key are for --api v2" })
    }
    const actions = yield* madePack(yield* packSettings(settings))
    const { address, api } = yield* zitadel(settings)
    yield* Console.log(`${address}, version 1:`)
    yield* Version1.install(api, actions, given)
  }),
).pipe(Command.withDescription("Installs, or brings up to date; shows its plan and asks first"))

const checkVersion2 = (organizations: ReadonlyArray<string>) =>
  organizations.length === 0
    ? Effect.void
    : new Misused({ message: "--org is for --api v1: actions of version 2 are for the whole instance" })

const status = Command.make(
  "status",
  api,
  Effect.fnUntraced(function* (given) {
    const settings = yield* root
    if (given.api === "v2") {
      yield* checkVersion2(given.organizations)
      const url = yield* endpointUrl(settings)
      return yield* Version2.status((yield* zitadel(settings)).api, url)
    }
    const actions = yield* madePack(yield* packSettings(settings))
    yield* Version1.status((yield* zitadel(settings)).api, actions, given)
  }),
).pipe(Command.withDescription("Says what is missing, or differs from what would be installed; changes nothing"))

const uninstall = Command.make(
  "uninstall",
  { ...api, ...consentFlags },
  Effect.fnUntraced(function* (given) {
    const { address, api } = yield* zitadel(yield* root)
    if (given.api === "v2") {
      yield* checkVersion2(given.organizations)
      yield* Console.log(`${address}, version 2:`)
      return yield* Version2.uninstall(api, given)
    }
    yield* Console.log(`${address}, version 1:`)
    yield* Version1.uninstall(api, given)
  }),
).pipe(Command.withDescription("Takes away what was installed, and nothing of others"))

export const commands = root.pipe(Command.withSubcommands([pack, install, status, uninstall]))
