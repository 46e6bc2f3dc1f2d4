/** `npm run zitadel`: against the Zitadel that the environment names. */
import { runCommand } from "#shared/runtime/commandLine.ts"
import { commands } from "./commands.ts"

runCommand(commands)
