/** What others want of the provisioner: to know what is desired, and to be told how far it has come. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { SqlError } from "effect/sql/SqlError"
import type { ApplicationId, Desired } from "./Application.ts"
import { Changes } from "./Changes.ts"
import { type Provisioning, ProvisioningNotFound } from "./Provisioning.ts"
import { type Filter, type Listed, ProvisioningStore } from "./ProvisioningStore.ts"

export class Provisionings extends Context.Service<
  Provisionings,
  {
    /** Takes over what is desired; one that is not newer than what is known changes nothing. */
    readonly desire: (desired: Desired) => Effect.Effect<void, SqlError>
    readonly get: (id: ApplicationId) => Effect.Effect<Provisioning, ProvisioningNotFound | SqlError>
    readonly list: (filter: Filter) => Effect.Effect<ReadonlyArray<Listed>, SqlError>
    /**
     * The application as it is, and again whenever it has changed, up to the picture in which it is settled. Waits while
     * it is not known, or only at an older generation.
     */
    readonly watch: (id: ApplicationId, minGeneration: bigint) => Stream.Stream<Provisioning, SqlError>
    /** Gives a failed application new attempts; any other stays as it is. */
    readonly retry: (id: ApplicationId) => Effect.Effect<Provisioning, ProvisioningNotFound | SqlError>
  }
>()("provisioner/Provisionings") {
  static readonly layer = Layer.effect(
    Provisionings,
    Effect.gen(function* () {
      const store = yield* ProvisioningStore
      const changes = yield* Changes

      const get = Effect.fn("Provisionings.get")(function* (id: ApplicationId) {
        const found = yield* store.find(id)
        return Option.isSome(found) ? found.value : yield* new ProvisioningNotFound({ id })
      })

      return Provisionings.of({
        desire: Effect.fn("Provisionings.desire")(function* (desired) {
          const { applicationId, generation, wanted } = desired
          const taken = yield* store.desire(desired)
          yield* Effect.logInfo(taken ? "a desired state was taken over" : "a desired state is out of date", {
            application: applicationId,
            generation: String(generation),
            wanted,
          })
        }),
        get,
        list: store.list,
        watch: (id, minGeneration) =>
          Stream.unwrap(
            // Listening begins before the first look, so that nothing is missed between the two.
            Effect.map(changes.listen(id), (news) =>
              Stream.succeed(undefined).pipe(
                Stream.concat(Stream.fromQueue(news)),
                Stream.mapEffect(() => store.find(id)),
                Stream.flatMap(Option.match({ onNone: () => Stream.empty, onSome: Stream.succeed })),
                Stream.filter(({ desired }) => desired.generation >= minGeneration),
                Stream.changes,
                Stream.takeUntil(({ isSettled }) => isSettled),
              ),
            ),
          ),
        retry: Effect.fn("Provisionings.retry")(function* (id) {
          yield* store.retry(id)
          return yield* get(id)
        }),
      })
    }),
  ).pipe(Layer.provide(Changes.layer), Layer.provide(ProvisioningStore.layer))
}
