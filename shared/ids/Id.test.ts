import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import { idToUuid, isId, isUuid, newId, newUuid, shortId, uuidToId } from "./Id.ts"

it.effect("an id is its prefix and 26 characters, and no other prefix's id", () =>
  Effect.gen(function* () {
    const id = yield* newId("evt")
    assert.match(id, /^evt_[a-z2-7]{26}$/)
    assert.isTrue(isId("evt", id))
    assert.isFalse(isId("usr", id))
    assert.isFalse(isId("ev", id))
  }),
)

it.effect("UUIDs sort by the time they were made", () =>
  Effect.gen(function* () {
    yield* TestClock.adjust("700000 days")
    const uuids = yield* Effect.forEach(Array.from({ length: 50 }), () =>
      Effect.andThen(TestClock.adjust("1 millis"), newUuid),
    )
    assert.deepStrictEqual(uuids, [...uuids].sort())
  }),
)

it.effect("a UUIDv7 carries its time, version and variant (RFC 9562)", () =>
  Effect.gen(function* () {
    // The time of the example in RFC 9562, appendix A.6.
    yield* TestClock.setTime(0x017f22e279b0)
    assert.match(yield* newUuid, /^017f22e2-79b0-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  }),
)

it.effect("a UUID and its id are the same value", () =>
  Effect.gen(function* () {
    const uuid = yield* newUuid
    assert.isTrue(isUuid(uuid))
    const id = uuidToId("usr", uuid)
    assert.strictEqual(Option.getOrThrow(idToUuid("usr", id)), uuid)
    assert.strictEqual(uuidToId("usr", uuid.toUpperCase()), id)
    assert.throws(() => uuidToId("usr", "not-a-uuid"), TypeError)
  }),
)

it.effect("a short id is fit for a DNS label", () =>
  Effect.gen(function* () {
    assert.match(yield* shortId("app", 10), /^app_[a-z2-7]{16}$/)
  }),
)
