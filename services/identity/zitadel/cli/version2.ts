/** The commands for actions of version 2: one target and two executions for the whole instance. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { Misused } from "#shared/runtime/commandLine.ts"
import {
  applyTarget,
  describeTargetStep,
  type ObservedTarget,
  observeTarget,
  type TargetStep,
  targetInstallation,
  targetOf,
  targetRemoval,
} from "../management/Targets.ts"
import type { ZitadelApi } from "../management/ZitadelApi.ts"
import { consent } from "./consent.ts"
import { NotDone } from "./Settings.ts"
import { release, reserve, writeSecret } from "./secretFile.ts"

interface Consent {
  readonly yes: boolean
  readonly dryRun: boolean
}

const show = (steps: ReadonlyArray<TargetStep>) =>
  Effect.forEach(steps, (step) => Console.log(`- ${describeTargetStep(step)}`), { discard: true })

const givesKey = ({ _tag }: TargetStep) => _tag === "CreateTarget" || _tag === "RotateKey"

/** Creates or updates the target and both executions; a new signing key goes to the file and nowhere else. */
export const install = Effect.fnUntraced(function* (
  api: ZitadelApi,
  identityUrl: URL,
  given: Consent & { readonly keyFile: Option.Option<string>; readonly rotate: boolean },
) {
  const wanted = targetOf(identityUrl)
  const observed = yield* observeTarget(api, wanted)
  const steps = targetInstallation(observed, given.rotate)
  if (steps.length === 0) return yield* Console.log("Nothing to change.")
  yield* show(steps)
  const { keyFile } = given
  if (!steps.some(givesKey)) {
    if (yield* consent(given)) yield* carryOut(api, wanted, observed, steps)
    return
  }
  if (Option.isNone(keyFile) && !given.dryRun) {
    return yield* new Misused({ message: "--signing-key-file is missing: Zitadel shows the new signing key only once" })
  }
  if (!(yield* consent(given)) || Option.isNone(keyFile)) return
  const file = keyFile.value
  yield* Effect.acquireUseRelease(
    reserve(file),
    () => carryOut(api, wanted, observed, steps, file),
    () => release(file),
  )
  yield* Console.log(`The signing key is in ${file}, readable only by you; give it to the identity service.`)
})

const carryOut = Effect.fnUntraced(function* (
  api: ZitadelApi,
  wanted: ReturnType<typeof targetOf>,
  observed: ObservedTarget,
  steps: ReadonlyArray<TargetStep>,
  keyFile?: string,
) {
  yield* applyTarget(api, wanted, observed, steps, (key) =>
    keyFile === undefined ? Effect.void : writeSecret(keyFile, `${Redacted.value(key)}\n`),
  )
  yield* Console.log("✓ done")
})

/** Takes the target away, and leaves what others have put there. */
export const uninstall = Effect.fnUntraced(function* (api: ZitadelApi, given: Consent) {
  // Where it points does not matter for taking it away.
  const wanted = targetOf(new URL("http://nowhere"))
  const observed = yield* observeTarget(api, wanted)
  const steps = targetRemoval(observed)
  if (steps.length === 0) return yield* Console.log("Nothing to change.")
  yield* show(steps)
  if (yield* consent(given)) yield* carryOut(api, wanted, observed, steps)
})

/** Fails unless the target is there and called. */
export const status = Effect.fnUntraced(function* (api: ZitadelApi, identityUrl: URL) {
  const steps = targetInstallation(yield* observeTarget(api, targetOf(identityUrl)), false)
  yield* show(steps)
  if (steps.length > 0) return yield* new NotDone({ message: "the target is not complete" })
  yield* Console.log("All is installed.")
})
