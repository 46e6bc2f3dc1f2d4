import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { newRequestId, wellFormedRequestId } from "./RequestId.ts"

it.effect("an id of ours is well formed", () =>
  Effect.gen(function* () {
    const id = yield* newRequestId
    assert.match(id, /^req_[a-z2-7]{26}$/)
    assert.isTrue(wellFormedRequestId(id))
  }),
)

it("what a log or a header could trip on is not kept", () => {
  for (const text of ["", "short", "x".repeat(65), "with space", "line\nbreak", 'quote"quote', "ümlautümlaut"]) {
    assert.isFalse(wellFormedRequestId(text), text)
  }
})
