import { expect, it } from "vitest"
import { makeRetryBudget } from "./RetryBudget.ts"

it("retries add at most a fifth to the calls of a busy client", () => {
  const budget = makeRetryBudget()
  let retries = 0
  for (let call = 0; call < 1000; call++) {
    budget.earn()
    if (budget.spend()) retries += 1
  }
  expect(retries).toBeGreaterThan(190)
  expect(retries).toBeLessThanOrEqual(210)
})

it("a quiet client may retry a few times at once", () => {
  const budget = makeRetryBudget()
  expect(Array.from({ length: 12 }, () => budget.spend()).filter(Boolean)).toHaveLength(10)
})
