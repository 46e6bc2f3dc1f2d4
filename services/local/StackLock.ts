/** One stack a folder: who holds it, and what a stack that was killed left running in it. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type { PlatformError } from "effect/PlatformError"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import {
  forget,
  type IdentityNotRecorded,
  identify,
  isAlive,
  type ProcessIdentity,
  record,
  recorded,
} from "#shared/runtime/ProcessIdentity.ts"

/** Another stack runs in the folder. */
export class StackRunning extends Schema.TaggedError<StackRunning>()("StackRunning", {
  dir: Schema.String,
  pid: Schema.Int,
}) {
  override get message(): string {
    return `A stack already runs in ${this.dir} (process ${this.pid}); stop it, or set STACK_DIR and PORTS=auto for a second one`
  }
}

/**
 * Holds the folder until the scope closes. A lock whose process is gone is taken over; of several that try it at the same
 * time one gets it, because a link is made by one only, and a dead lock is moved away by one only.
 */
export const held = (
  dir: string,
): Effect.Effect<void, StackRunning | IdentityNotRecorded | PlatformError, Scope.Scope | FileSystem.FileSystem> =>
  Effect.acquireRelease(
    Effect.gen(function* () {
      const us = yield* Effect.flatMap(identify(process.pid), Effect.fromOption).pipe(Effect.orDie)
      const lock = join(dir, "stack.lock.json")
      const mine = `${lock}.${process.pid}`
      yield* record(mine, us)
      yield* Effect.ensuring(linked(dir, mine, lock), forget(mine))
      return lock
    }),
    forget,
  )

const linked = Effect.fnUntraced(function* (
  dir: string,
  mine: string,
  lock: string,
): Effect.fn.Return<void, StackRunning | PlatformError, FileSystem.FileSystem> {
  const files = yield* FileSystem.FileSystem
  const linking = files.link(mine, lock)
  if (yield* Effect.isSuccess(linking)) return
  const holder = yield* recorded(lock)
  if (Option.isNone(holder) || !(yield* isAlive(holder.value))) {
    yield* Effect.ignore(movedAway(lock, `${mine}.dead`, holder))
    if (yield* Effect.isSuccess(linking)) return
  }
  const quicker = Option.getOrUndefined(Option.orElse(yield* recorded(lock), () => holder))
  return yield* new StackRunning({ dir, pid: quicker?.pid ?? 0 })
})

/** What was moved may already be the lock of another who was quicker: then it goes back. */
const movedAway = Effect.fnUntraced(function* (
  lock: string,
  away: string,
  dead: Option.Option<ProcessIdentity>,
): Effect.fn.Return<void, PlatformError, FileSystem.FileSystem> {
  const files = yield* FileSystem.FileSystem
  yield* files.rename(lock, away)
  const moved = yield* recorded(away)
  if (Option.isSome(moved) && !Equal.equals(moved, dead)) yield* files.link(away, lock)
  yield* forget(away)
})
