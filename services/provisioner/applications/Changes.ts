/** Who waits for news of applications in this process, and how the news comes in: from every process, by PostgreSQL. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { ApplicationId } from "./Application.ts"
import { ProvisioningStore } from "./ProvisioningStore.ts"

/** Somebody who waits: for one application, or for any. News that is not taken in time becomes one. */
interface Listener {
  readonly of: ApplicationId | undefined
  readonly news: Queue.Queue<void>
}

export class Changes extends Context.Service<
  Changes,
  {
    /** A queue that has something in it whenever the application, or any where none is named, may have changed. */
    readonly listen: (of?: ApplicationId) => Effect.Effect<Queue.Dequeue<void>, never, Scope.Scope>
  }
>()("provisioner/Changes") {
  static readonly layer = Layer.effect(
    Changes,
    Effect.gen(function* () {
      const store = yield* ProvisioningStore
      const listeners = new Set<Listener>()
      yield* store
        .onChanged((id) =>
          Effect.sync(() => {
            for (const { of, news } of listeners) {
              if (of === undefined || Option.isNone(id) || of === id.value) Queue.offerUnsafe(news, undefined)
            }
          }),
        )
        .pipe(
          Effect.tapError((error) => Effect.logWarning("changes of applications are not heard for now", error.message)),
          Effect.retry(Schedule.spaced("1 second")),
          Effect.forkScoped,
        )
      return Changes.of({
        listen: (of) =>
          Effect.map(
            Effect.acquireRelease(
              Effect.map(Queue.sliding<void>(1), (news): Listener => {
                const listener = { of, news }
                listeners.add(listener)
                return listener
              }),
              (listener) => Effect.sync(() => listeners.delete(listener)),
            ),
            ({ news }) => news,
          ),
      })
    }),
  )
}
