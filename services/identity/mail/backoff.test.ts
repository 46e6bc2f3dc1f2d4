import * as Duration from "effect/Duration"
import { expect, it } from "vitest"
import { backoff } from "./backoff.ts"

it("a mail waits longer after each attempt, up to a quarter of an hour", () => {
  const seconds = [0, 1, 2, 3, 4, 5, 6, 7, 1000].map((attempts) => Duration.toSeconds(backoff(attempts)))
  expect(seconds).toEqual([1, 1, 5, 15, 60, 300, 900, 900, 900])
})
