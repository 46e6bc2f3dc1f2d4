/**
 * Brings every application to what is wanted of it: claims one, looks, takes the next steps, looks again. Level-triggered:
 * events only say when to look, so that whoever comes after a crash goes on where reality stands.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { newUuid } from "#shared/ids/Id.ts"
import { Cluster } from "../cluster/Cluster.ts"
import { Changes } from "./Changes.ts"
import { type Claim, ClaimLost, ClaimStore, type Failure } from "./ClaimStore.ts"
import * as Metrics from "./metrics.ts"
import { Progress } from "./Progress.ts"
import { ProvisioningStore } from "./ProvisioningStore.ts"
import { type Action, next, settled } from "./plan.ts"
import type { StepName } from "./Step.ts"
import { type Deed, type Sight, Steps } from "./Steps.ts"

export interface ReconcilerOptions {
  /** So many applications are worked on at a time in this process. Unset: 4. */
  readonly workers?: number
  /** A worker that is not heard of for this time has lost its application. Unset: 6 s. */
  readonly lease?: Duration.Input
  /** Without any news, what is due is looked for after this time. Unset: 2 s. */
  readonly poll?: Duration.Input
  /** What is as wanted is looked at again after this time. Unset: 30 s. */
  readonly recheck?: Duration.Input
  /** The pause after the first failure; each further one is twice as long, up to a minute. Unset: 2 s. */
  readonly backoff?: Duration.Input
}

/** More rounds than any way from one state to another has: reality does not follow. */
const maxRounds = 20
const longestBackoff = Duration.minutes(1)

const make = Effect.fnUntraced(function* (options: ReconcilerOptions) {
  const claims = yield* ClaimStore
  const store = yield* ProvisioningStore
  const steps = yield* Steps
  const progress = yield* Progress
  const changes = yield* Changes
  const cluster = yield* Cluster
  const owner = yield* newUuid
  const lease = Duration.fromInputUnsafe(options.lease ?? "6 seconds")
  const recheck = Duration.fromInputUnsafe(options.recheck ?? "30 seconds")
  const backoff = Duration.fromInputUnsafe(options.backoff ?? "2 seconds")

  const fail = (claim: Claim, failures: ReadonlyArray<Failure>, reason: string) =>
    Effect.gen(function* () {
      const { id, failures: before, isLastAttempt } = claim.provisioning
      yield* Effect.logWarning("an attempt failed", { application: id, failures, last: isLastAttempt })
      const pause = Duration.min(Duration.times(backoff, 2 ** Math.min(before, 10)), longestBackoff)
      yield* progress.fail(claim, failures, reason, Duration.times(pause, 1 + 0.2 * (yield* Random.next)))
    })

  /** None, or how the step failed. */
  const take = Effect.fnUntraced(function* (claim: Claim, sight: Sight, deed: Deed) {
    const began = yield* Clock.currentTimeMillis
    const outcome = yield* Effect.result(steps.take(claim.provisioning, sight, deed))
    const millis = (yield* Clock.currentTimeMillis) - began
    yield* Metrics.stepTaken(deed, outcome._tag, millis)
    if (outcome._tag === "Failure") return Option.some<Failure>({ step: deed.name, error: outcome.failure.reason })
    yield* progress.end(claim, deed.name)
    return Option.none<Failure>()
  })

  const converge = Effect.fn("Reconciler.converge")(function* (claimed: Claim) {
    const { id, desired } = claimed.provisioning
    yield* Effect.annotateCurrentSpan({ "application.id": id })
    let claim = claimed
    for (let round = 0; round < maxRounds; round++) {
      const looked = yield* Effect.result(steps.look(claim.provisioning))
      if (looked._tag === "Failure") {
        yield* Effect.logWarning("an application cannot be seen", { application: id, reason: looked.failure.reason })
        return yield* fail(claim, [], "Its state could not be found out.")
      }
      const { observed, instanceUrl } = looked.success
      const due = next(desired.wanted, observed)
      const arrive = progress.finish(claim, instanceUrl, recheck)
      if (due.length === 0) return yield* arrive
      const names = due.map(({ name }) => name)
      yield* progress.begin(claim, names, settled(desired.wanted, observed))
      const [activate] = due.filter(({ name }) => name === "activate")
      if (activate?.verb === "make") {
        yield* arrive
        yield* Effect.logInfo("an application is active", { application: id, generation: String(desired.generation) })
        return yield* Metrics.activated(claim.provisioning)
      }
      if (activate !== undefined) claim = yield* progress.deactivate(claim)
      const current = claim
      const outcomes = yield* Effect.forEach(due.filter(isDeed), (deed) => take(current, looked.success, deed), {
        concurrency: "unbounded",
      })
      const [first, ...others] = outcomes.flatMap(Option.toArray)
      if (first !== undefined) return yield* fail(claim, [first, ...others], reasons[first.step])
    }
    yield* fail(claim, [], "It did not come to rest.")
  })

  /** Fails when the lease cannot be kept, or when something else is wanted: then whoever works must stop. */
  const keep = (claim: Claim) =>
    claims
      .renew(claim, lease)
      .pipe(
        Effect.retry({ schedule: Schedule.spaced("200 millis"), while: ({ _tag }) => _tag === "SqlError" }),
        Effect.timeoutOrElse({ duration: Duration.divideUnsafe(lease, 2), orElse: () => Effect.fail(new ClaimLost()) }),
        Effect.delay(Duration.divideUnsafe(lease, 4)),
        Effect.forever,
      )

  const superseded = (claim: Claim) =>
    Effect.scoped(
      Effect.flatMap(changes.listen(claim.provisioning.id), (news) =>
        Effect.forever(
          Effect.andThen(
            Queue.take(news),
            Effect.flatMap(store.find(claim.provisioning.id), (now) =>
              Option.exists(now, ({ desired }) => desired.generation > claim.provisioning.desired.generation)
                ? Effect.fail(new ClaimLost())
                : Effect.void,
            ),
          ),
        ),
      ),
    )

  const work = (claim: Claim) =>
    Effect.raceAllFirst([converge(claim), keep(claim), superseded(claim)]).pipe(
      Effect.onError(() => Effect.ignore(claims.release(claim))),
      Effect.catchTag("ClaimLost", () =>
        Effect.logInfo("something else is wanted, or somebody else does it", { application: claim.provisioning.id }),
      ),
    )

  /** One worker: what is due for longest, one after the other; the next is told that there may be more. */
  const worker = Effect.gen(function* () {
    const news = yield* changes.listen()
    const waiting = Effect.raceFirst(Queue.take(news), Effect.sleep(options.poll ?? "2 seconds"))
    yield* claims.claim(owner, lease).pipe(
      Effect.flatMap(Option.match({ onNone: () => waiting, onSome: work })),
      Effect.catchCause((cause) => Effect.andThen(Effect.logError("the reconciler stumbled", cause), waiting)),
      Effect.forever,
    )
  })

  yield* store.wakeAll.pipe(
    Effect.retry(Schedule.spaced("1 second")),
    Effect.andThen(
      Effect.forEach(Array.from({ length: options.workers ?? 4 }), () => worker, { concurrency: "unbounded" }),
    ),
    Effect.forkScoped,
  )
  yield* Stream.runForEach(cluster.changes, (id) =>
    store.wake(id).pipe(Effect.retry({ schedule: Schedule.spaced("1 second"), times: 5 }), Effect.ignore),
  ).pipe(Effect.forkScoped)
})

/** Runs until the scope closes; applications that it holds then are given back, and the next worker goes on. */
export const layer = (options: ReconcilerOptions = {}) =>
  Layer.effectDiscard(make(options)).pipe(
    Layer.provide([ClaimStore.layer, Progress.layer]),
    Layer.provide(Changes.layer),
    Layer.provide(ProvisioningStore.layer),
  )

const isDeed = (action: Action): action is Deed => action.name !== "activate"

/** For the customer, who need not know more. */
const reasons: Readonly<Record<StepName, string>> = {
  namespace: "Its place could not be prepared.",
  database: "Its database could not be prepared.",
  redis: "Its Redis could not be started.",
  migrations: "Its tables could not be prepared.",
  instance: "Its instance did not become ready.",
  monitoring: "Its monitoring could not be set up.",
  activate: "It could not be announced.",
}
