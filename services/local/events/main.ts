/** `npm run events`: against the running stack, or a program elsewhere. */
import { runCommand } from "#shared/runtime/commandLine.ts"
import { events } from "./commands.ts"

runCommand(events)
