import { expect, layer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { ApplicationId } from "../applications/Application.ts"
import { Applications } from "../applications/Applications.ts"
import { change, eventsOf } from "../testing/TestRowsStore.ts"
import * as TestUseCases from "../testing/TestUseCases.ts"
import type { Observation } from "./Observation.ts"
import { Observations } from "./Observations.ts"

const at = (second: number) => DateTime.makeUnsafe(Date.UTC(2026, 0, 1, 0, 0, second))
const active = (applicationId: ApplicationId): Observation => ({
  applicationId,
  generation: 1n,
  status: "active",
  reason: null,
  instanceUrl: "http://instance.test:1234",
  occurredAt: at(5),
})

layer(TestUseCases.layer, { excludeTestServices: true })("a report of the provisioner", (it) => {
  it.effect("makes the application what it says, and the proxies ask again", () =>
    Effect.gen(function* () {
      const { id } = yield* TestUseCases.someApplication
      expect(yield* (yield* Observations).record(active(id))).toBe("changed")
      expect(yield* (yield* Applications).get(id)).toMatchObject({ status: "active", statusReason: null, version: 2n })
      expect((yield* eventsOf(id)).map(({ subject }) => subject)).toEqual(["app.provision", "keys.changed"])
    }),
  )

  it.effect("that comes twice changes nothing the second time", () =>
    Effect.gen(function* () {
      const observations = yield* Observations
      const applications = yield* Applications
      const { id } = yield* TestUseCases.someApplication
      yield* observations.record(active(id))
      const after = yield* applications.get(id)
      expect(yield* observations.record(active(id))).toBe("confirmed")
      expect(yield* applications.get(id)).toEqual(after)
      expect(yield* eventsOf(id)).toHaveLength(2)
    }),
  )

  it.effect("of an older generation does not undo a newer one", () =>
    Effect.gen(function* () {
      const observations = yield* Observations
      const applications = yield* Applications
      const { id } = yield* TestUseCases.someApplication
      yield* change((sql) => sql`UPDATE applications SET generation = 2 WHERE id = ${id}`)
      yield* observations.record({ ...active(id), generation: 2n })
      const late = { ...active(id), status: "failed", reason: "too late", occurredAt: at(50) } as const
      expect(yield* observations.record(late)).toBe("stale")
      expect(yield* applications.get(id)).toMatchObject({ status: "active", statusReason: null })
    }),
  )

  it.effect("keeps the reason of a failure, and drops it when that is over", () =>
    Effect.gen(function* () {
      const observations = yield* Observations
      const applications = yield* Applications
      const { id } = yield* TestUseCases.someApplication
      const failed = {
        ...active(id),
        status: "failed",
        reason: "no room",
        instanceUrl: null,
        occurredAt: at(1),
      } as const
      yield* observations.record(failed)
      expect(yield* applications.get(id)).toMatchObject({ status: "failed", statusReason: "no room" })
      yield* observations.record(active(id))
      expect(yield* applications.get(id)).toMatchObject({ status: "active", statusReason: null })
    }),
  )

  it.effect("of an application that we do not know is let go", () =>
    Effect.gen(function* () {
      const observations = yield* Observations
      expect(yield* observations.record(active(ApplicationId.make("app_unknown")))).toBe("stale")
    }),
  )
})
